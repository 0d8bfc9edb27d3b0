# The addon for Linux; elsewhere nothing is built. It lies here and not in the package's root, where npm
# would compile it at every installation. Its output is build/Release/asynctcp.node.
{
  'targets': [{
    'target_name': 'asynctcp',
    'conditions': [
      ['OS=="linux"', {
        # All of this folder; the build for tests has more.
        'sources': ['<!@(ls *.c)'],
        'defines': ['NAPI_VERSION=8', '_GNU_SOURCE'],
        # Both architectures have 64 bits: these would only rename functions, to names that musl need not have.
        'defines!': ['_FILE_OFFSET_BITS=64', '_LARGEFILE_SOURCE'],
        'cflags_c': [
          '-std=c11', '-fvisibility=hidden',
          '-Wall', '-Wextra', '-Wpedantic', '-Wconversion', '-Wshadow', '-Werror',
        ],
        'ldflags': ['-Wl,--as-needed'],
      }, {
        'type': 'none',
      }],
    ],
  }],
}
