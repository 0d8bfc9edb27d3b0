/** The version of this package, which a bundle knows too: there the package.json may be far away. */
export const PACKAGE_VERSION = '0.1.0';
