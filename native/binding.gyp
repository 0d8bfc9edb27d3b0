# Builds the addon on Linux, and nothing on other systems. The file is not in the package's root, because npm
# would then compile the addon at every installation. The output is build/Release/asynctcp.node.
{
  'targets': [{
    'target_name': 'asynctcp',
    'conditions': [
      ['OS=="linux"', {
        # All sources of this folder. The build for tests adds its own.
        'sources': ['<!@(ls *.c)'],
        'defines': ['NAPI_VERSION=8', '_GNU_SOURCE'],
        # Both architectures have 64 bits: these only rename functions, and musl may lack the new names.
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
