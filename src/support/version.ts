/** The version of this package, also in a bundle, where the package.json may be out of reach. */
export const PACKAGE_VERSION = '0.1.0';
