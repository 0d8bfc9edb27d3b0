// The style of the code and the import rules of the house (docs/architecture.md), one block for each rule.
import js from '@eslint/js';
import { defineConfig } from 'eslint/config';
import tseslint from 'typescript-eslint';

/**
 * They are the runtime's when the library is loaded, and may be a test's later; and what imports them from a
 * module of Node's, or takes them from an object, may get the test's as well.
 */
const KEPT = 'House rule 7: fake timers must not stop sockets. Take';
const KEPT_GLOBALS = [
  ['setImmediate', `${KEPT} it from support/immediate.ts.`],
  ['clearImmediate', `${KEPT} it from support/immediate.ts.`],
  ['queueMicrotask', `${KEPT} it from support/microtask.ts.`],
].map(([name, message]) => ({ name, message }));
const KEPT_PROPERTIES = [
  ...['setTimeout', 'setInterval', 'setImmediate', 'queueMicrotask', 'performance'].map((property) => ({
    object: 'globalThis',
    property,
  })),
  { object: 'process', property: 'nextTick' },
].map((place) => ({ ...place, message: `${KEPT} what support keeps.` }));
const NO_TIMERS = { regex: '^(node:)?timers(/|$)', message: `${KEPT} what support keeps.` };

/** Global names that only the files named in a rule may use. */
const RUNTIME_GLOBALS = ['Buffer', 'process', 'require', '__dirname'].map((name) => ({
  name,
  message:
    'House rule 5: this folder also runs in a browser and on XS. Use Uint8Array and what the port offers.',
}));
const TIME_GLOBALS = [
  'setTimeout',
  'setInterval',
  'clearTimeout',
  'clearInterval',
  'performance',
  'Date',
].map((name) => ({
  name,
  message: 'House rule 6: time comes from the Clock that is handed in.',
}));
const NO_RANDOM = {
  object: 'Math',
  property: 'random',
  message: 'House rule 6: chance comes from the seed.',
};

const NODE_MODULES = { regex: '^node:', message: 'House rule 5: no runtime modules in this folder.' };

/** A folder of `src` and the folders that it may import from, itself left out. Rules 1 to 4. */
const LAYERS = {
  support: [],
  port: ['support'],
  netstack: ['support'],
  link: ['netstack', 'support'],
  addon: ['support'],
  task: ['addon', 'port', 'support'],
  asynctcp: ['task', 'port', 'support'],
  'stacks/system': ['port', 'support'],
  'stacks/node': ['port', 'support'],
  'stacks/kernel': ['addon', 'port', 'support'],
  'stacks/memory': ['port', 'support'],
  'stacks/recording': ['port', 'support'],
  'stacks/virtual': ['netstack', 'port', 'support'],
  sim: ['stacks', 'link', 'netstack', 'port', 'support'],
  streams: ['asynctcp', 'task', 'port', 'support'],
  net: ['asynctcp', 'task', 'port', 'support'],
  gateway: ['streams', 'asynctcp', 'task', 'port', 'support'],
  monitor: ['gateway', 'asynctcp', 'task', 'port', 'support'],
  cli: ['asynctcp', 'addon', 'task', 'port', 'support', 'stacks', 'sim', 'link'],
};

/** The doors, which a subpath of the package gives, and the composition, which they all import. */
const DOORS = [
  'composition',
  'index',
  'streams',
  'gateway',
  'net',
  'net-register',
  'monitor',
  'tap',
  'virtual',
].map((name) => `src/${name}.ts`);

/** Globals of browsers that the pages use. */
const PAGE_GLOBALS = [
  ...['document', 'location', 'fetch', 'EventSource', 'WebSocket', 'URLSearchParams'],
  ...['setTimeout', 'clearTimeout', 'requestAnimationFrame'],
  ...[
    'getComputedStyle',
    'matchMedia',
    'ResizeObserver',
    'devicePixelRatio',
    'addEventListener',
    'TextDecoder',
  ],
];

const ALL_FOLDERS = [...new Set(Object.keys(LAYERS).map((folder) => folder.split('/')[0]))];

/** The stacks on the operating system's TCP, which share `stacks/system`. */
const SYSTEM_STACKS = ['stacks/node', 'stacks/kernel'];

/** Folders of `src` whose files use Node's own modules and globals. */
const ON_NODE = ['addon', 'stacks/system', 'stacks/node', 'stacks/kernel', 'net', 'cli'];

/** Elsewhere only a file that says so in its name uses them, and only in these folders. */
const NODE_FILES = {
  'src/task/*-node.ts': ['task', LAYERS.task],
  'src/link/*-node.ts': ['link', [...LAYERS.link, 'addon']],
};

/**
 * A folder of `web/src` and the folders that it may import from, itself left out. Each stands behind those that
 * it may import, so that there are no circles. Rule 9.
 */
const WEB_LAYERS = {
  auth: [],
  queue: [],
  files: [],
  response: ['files'],
  request: ['response', 'files', 'queue', 'auth'],
  middleware: ['request', 'response', 'auth'],
  handlers: ['middleware', 'request', 'response', 'files', 'auth'],
  events: ['handlers', 'request', 'response', 'queue'],
  websocket: ['handlers', 'request', 'response', 'queue'],
  dashboard: ['events', 'handlers', 'middleware', 'request', 'response', 'files', 'auth'],
};

/** Files beside these folders that all of them may import, and that import none. The others are the server. */
const WEB_BASE = ['header', 'http-error', 'interval', 'lasting', 'limits', 'methods', 'uri-matcher'];
const WEB_BASE_FILES = WEB_BASE.map((name) => `web/src/${name}.ts`);

/** Functions of the program get the request, also those that these folders call: they know its type. */
const KNOW_REQUEST = ['files', 'response'];

const RULE_9 = 'House rule 9:';
const ASYNCTCP_INSIDES = {
  regex: '^(#src/|asynctcp/(?!(net|streams|gateway|monitor)$))',
  message: `${RULE_9} asynctcp-web imports asynctcp by its public entries.`,
};

function webRules(files, patterns) {
  const out = { regex: '^(\\.\\./){2}|^asynctcp-web', message: `${RULE_9} imports stay inside of web/src.` };
  return {
    files,
    ignores: ['**/*.test.ts'],
    rules: {
      '@typescript-eslint/no-restricted-imports': [
        'error',
        { patterns: [ASYNCTCP_INSIDES, out, ...patterns] },
      ],
    },
  };
}

function webLayerRules([folder, allowed]) {
  const others = Object.keys(WEB_LAYERS).filter((other) => other !== folder && !allowed.includes(other));
  const request = KNOW_REQUEST.includes(folder) ? '(?!request/request\\.js$)' : '';
  const patterns = [
    {
      regex: `^\\.\\./${request}(${others.join('|')})/`,
      message: `${RULE_9} web's ${folder} imports ${allowed.join(', ') || 'no folder'}.`,
    },
    {
      regex: `^\\.\\./(?!(${WEB_BASE.join('|')})\\.js$)[\\w-]+\\.js$`,
      message: `${RULE_9} no folder of web imports the server.`,
    },
  ];
  if (request !== '') {
    patterns.push({
      regex: '^\\.\\./request/request\\.js$',
      allowTypeImports: true,
      message: `${RULE_9} web's ${folder} knows of the request its type alone.`,
    });
  }
  return webRules([`web/src/${folder}/**/*.ts`], patterns);
}

function layerRules([folder, allowed], files = [`src/${folder}/**/*.ts`], onNode = ON_NODE.includes(folder)) {
  const isForbidden = (other) => !allowed.includes(other) && other !== folder.split('/')[0];
  const patterns = ALL_FOLDERS.filter(isForbidden).map((other) => ({
    regex: `^(\\.\\./)+${other}/`,
    message: `House rules 1 to 4: ${folder} imports ${allowed.length === 0 ? 'nothing' : allowed.join(', ')}, not ${other}.`,
  }));
  if (folder !== 'cli') {
    patterns.push({
      regex: '^(\\.\\./)+(index|composition)\\.js$',
      message: 'Only the command line comes in by the door.',
    });
  }
  if (folder.startsWith('stacks/')) {
    patterns.push({
      regex: SYSTEM_STACKS.includes(folder) ? '^\\.\\./(?!\\.\\./|system/)' : '^\\.\\./(?!\\.\\./)',
      message: 'House rule 3: a stack imports no other stack.',
    });
  }
  return {
    files,
    ignores: ['**/*.test.ts'],
    rules: {
      'no-restricted-imports': [
        'error',
        { patterns: onNode ? [...patterns, NO_TIMERS] : [...patterns, NODE_MODULES] },
      ],
      'no-restricted-globals': [
        'error',
        ...TIME_GLOBALS,
        ...KEPT_GLOBALS,
        ...(onNode ? [] : RUNTIME_GLOBALS),
      ],
      'no-restricted-properties': ['error', NO_RANDOM, ...KEPT_PROPERTIES],
    },
  };
}

export default defineConfig(
  { ignores: ['**/dist/', '**/build/', '**/node_modules/', '.cache/'] },
  js.configs.recommended,
  {
    files: ['**/*.ts'],
    extends: [tseslint.configs.strictTypeChecked, tseslint.configs.stylisticTypeChecked],
    languageOptions: { parserOptions: { projectService: true } },
    rules: {
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true }],
      '@typescript-eslint/no-confusing-void-expression': ['error', { ignoreArrowShorthand: true }],
      '@typescript-eslint/prefer-promise-reject-errors': 'error',
      '@typescript-eslint/consistent-type-assertions': 'error',
      // `using _timers = network.installGlobals()` is there for its end.
      '@typescript-eslint/no-unused-vars': ['error', { ignoreUsingDeclarations: true }],
      '@typescript-eslint/switch-exhaustiveness-check': 'error',
      'max-lines-per-function': ['error', { max: 70, skipBlankLines: true, skipComments: true }],
      'max-len': [
        'error',
        { code: 110, ignoreUrls: true, ignoreStrings: true, ignoreTemplateLiterals: true },
      ],
      eqeqeq: 'error',
    },
  },
  {
    files: ['**/*.js', '**/*.mjs'],
    languageOptions: { globals: { process: 'readonly', console: 'readonly', URL: 'readonly' } },
  },
  {
    // Pages: of examples, and the dashboard's.
    files: ['examples/web/*/*.js', 'examples/sim-page/*.js', 'web/page/*.js'],
    languageOptions: { globals: Object.fromEntries(PAGE_GLOBALS.map((name) => [name, 'readonly'])) },
  },
  ...Object.entries(LAYERS).map((layer) => layerRules(layer)),
  {
    // A folder that is not in the list may not exist: nobody has decided what it may import.
    files: ['src/**/*.ts', 'web/src/**/*.ts'],
    ignores: [
      ...DOORS,
      ...Object.keys(LAYERS).map((folder) => `src/${folder}/**`),
      'web/src/*.ts',
      ...Object.keys(WEB_LAYERS).map((folder) => `web/src/${folder}/**`),
    ],
    rules: {
      'no-restricted-syntax': [
        'error',
        {
          selector: 'Program',
          message: 'House rule 8: LAYERS and WEB_LAYERS in eslint.config.js do not list this folder.',
        },
      ],
    },
  },
  ...Object.entries(NODE_FILES).map(([files, layer]) => layerRules(layer, [files], true)),
  {
    files: ['web/**/*.ts'],
    rules: { '@typescript-eslint/no-restricted-imports': ['error', { patterns: [ASYNCTCP_INSIDES] }] },
  },
  webRules(
    ['web/src/*.ts'],
    [
      {
        regex: '^\\.\\./|^\\./index\\.js$',
        message: `${RULE_9} imports stay inside of web/src, behind its door.`,
      },
    ],
  ),
  webRules(WEB_BASE_FILES, [
    {
      regex: `^\\./(?!(${WEB_BASE.join('|')})\\.js$)`,
      message: `${RULE_9} what all folders of web import knows none of them.`,
    },
  ]),
  ...Object.entries(WEB_LAYERS).map(webLayerRules),
  {
    files: DOORS,
    rules: {
      'no-restricted-globals': ['error', ...TIME_GLOBALS, ...KEPT_GLOBALS],
      'no-restricted-properties': ['error', NO_RANDOM, ...KEPT_PROPERTIES],
    },
  },
  {
    // The real clock is the one place that asks the runtime what time it is.
    files: ['src/support/clock.ts'],
    rules: { 'no-restricted-globals': ['error', ...RUNTIME_GLOBALS, ...KEPT_GLOBALS] },
  },
  {
    // The one place that asks the runtime for chance.
    files: ['src/support/random.ts'],
    rules: { 'no-restricted-properties': ['error', ...KEPT_PROPERTIES] },
  },
  {
    // Those that keep them.
    files: ['clock', 'microtask', 'immediate', 'macrotask'].map((name) => `src/support/${name}.ts`),
    rules: { 'no-restricted-properties': ['error', NO_RANDOM] },
  },
  {
    files: ['**/*.test.ts', 'test/**/*.ts', 'bench/**/*.ts', 'examples/**/testing.ts'],
    rules: {
      // `describe` and `it` return promises that the runner keeps.
      '@typescript-eslint/no-floating-promises': [
        'error',
        {
          allowForKnownSafeCalls: [
            { from: 'package', name: ['it', 'describe', 'test', 'suite'], package: 'node:test' },
          ],
        },
      ],
      'max-lines-per-function': 'off',
    },
  },
);
