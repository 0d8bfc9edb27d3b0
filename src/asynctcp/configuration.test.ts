import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  Configuration,
  rangeText,
  symbolOf,
  SYMBOLS,
  withVariables,
  type ConfigureOptions,
} from './configuration.js';

/** Passes options of any type, as a caller in JavaScript may. */
function untyped(options: unknown): ConfigureOptions {
  return options as ConfigureOptions;
}

function withEnvironment(variables: Record<string, string | undefined>): Configuration {
  const configuration = new Configuration();
  configuration.setEnvironment(() => variables);
  return configuration;
}

describe('the table of symbols', () => {
  it('has each symbol and each option once', () => {
    assert.equal(new Set(SYMBOLS.map(({ symbol }) => symbol)).size, SYMBOLS.length);
    assert.equal(new Set(SYMBOLS.map(({ option }) => option)).size, SYMBOLS.length);
  });

  it('has defaults within their own ranges', () => {
    for (const symbol of SYMBOLS) {
      if (symbol.default === undefined) continue;
      const configuration = new Configuration();
      configuration.configure(untyped({ [symbol.option]: symbol.default }));
    }
  });

  it('gives the defaults where nothing is set', () => {
    const configuration = new Configuration();
    for (const symbol of SYMBOLS) {
      assert.equal(configuration.isSet(symbol.option), false);
      if (symbol.kind === 'integer') assert.equal(configuration.integer(symbol.option), symbol.default);
    }
    assert.equal(configuration.stack(), 'auto');
  });
});

for (const symbol of SYMBOLS) {
  if (symbol.kind !== 'integer') continue;
  describe(symbol.symbol, () => {
    const { option, least, most } = symbol;
    it(`is taken from ${least} to ${most}, by every way`, () => {
      for (const value of [least, most]) {
        const byCode = new Configuration();
        byCode.configure({ [option]: value });
        assert.equal(byCode.integer(option), value);
        const bySymbol = new Configuration();
        bySymbol.configure(untyped({ [symbol.symbol]: value }));
        assert.equal(bySymbol.integer(option), value);
        assert.equal(withEnvironment({ [symbol.symbol]: String(value) }).integer(option), value);
        const defined = new Configuration();
        defined.define(`${symbol.symbol}=${value}`);
        assert.equal(defined.integer(option), value);
        assert.equal(defined.isSet(option), true);
      }
    });

    it('one past either end is an error that names symbol, range and value, by every way', () => {
      for (const value of [least - 1, most + 1]) {
        const expected = (name: string, shown: string): object => ({
          name: 'RangeError',
          message: `${name} must be ${rangeText(symbol, name)}, not ${shown}`,
        });
        const configuration = new Configuration();
        const ways: [call: () => unknown, name: string][] = [
          [() => configuration.configure({ [option]: value }), option],
          [() => configuration.configure(untyped({ [symbol.symbol]: value })), symbol.symbol],
          [() => configuration.define(`${symbol.symbol}=${value}`), symbol.symbol],
          [() => withEnvironment({ [symbol.symbol]: String(value) }).integer(option), symbol.symbol],
        ];
        for (const [call, name] of ways) assert.throws(call, expected(name, String(value)));
        assert.equal(configuration.integer(option), symbol.default);
      }
    });
  });
}

describe('a value', () => {
  it('from text is a whole decimal number and nothing like one', () => {
    const name = 'CONFIG_ASYNC_TCP_MAX_ACK_TIME';
    for (const text of [' ', 'y', 'n', '5 ', '+5', '5.0', '5e2', '0x10', '5ms', 'NaN', '--5', '1_000']) {
      const expected = {
        name: 'RangeError',
        message: `${name} must be 0 to 3600000 ms, not ${JSON.stringify(text)}`,
      };
      assert.throws(() => new Configuration().define(`${name}=${text}`), expected);
      assert.throws(() => withEnvironment({ [name]: text }).integer('maxAckTimeMs'), expected);
    }
  });

  it('from code is a number, not its text', () => {
    for (const value of ['5', 'y', 5n, true, null, 1.5, Number.NaN, {}]) {
      const call = (): void => new Configuration().configure(untyped({ maxAckTimeMs: value }));
      assert.throws(call, /^RangeError: maxAckTimeMs must be 0 to 3600000 ms, not /);
    }
  });

  it('of a choice is one of the choices, which the error names', () => {
    const configuration = new Configuration();
    const expected = /^RangeError: stack must be auto, kernel or node, not "Node"$/;
    assert.throws(() => configuration.configure(untyped({ stack: 'Node' })), expected);
    assert.throws(() => configuration.configure(untyped({ stack: 1 })), /not 1$/);
    assert.throws(() => configuration.define('CONFIG_ASYNC_TCP_STACK='), /not ""$/);
    assert.throws(() => configuration.define('CONFIG_ASYNC_TCP_STACK=y'), /not "y"$/);
    configuration.define('CONFIG_ASYNC_TCP_STACK=node');
    assert.equal(configuration.stack(), 'node');
  });
});

describe('a symbol that is on or off', () => {
  const OPTIONS = SYMBOLS.filter((symbol) => symbol.kind === 'integer' && symbol.most === 1);

  it('is understood as Kconfig writes it, too', () => {
    assert.deepEqual(
      OPTIONS.map(({ option }) => option),
      ['useWdt', 'diagnostics', 'wdtPanic'],
    );
    for (const { symbol, option } of OPTIONS) {
      for (const [text, value] of [
        ['y', 1],
        ['Y', 1],
        ['n', 0],
        ['N', 0],
      ] as const) {
        assert.equal(withEnvironment({ [symbol]: text }).integer(option), value);
        const defined = new Configuration();
        defined.define(`${symbol}=${text}`);
        assert.equal(defined.integer(option), value);
      }
    }
  });

  it('is nothing else, and the error says what it is', () => {
    for (const text of ['yes', 'no', 'true', 'on', 'm', 'yn']) {
      assert.throws(() => withEnvironment({ CONFIG_ASYNC_TCP_USE_WDT: text }).integer('useWdt'), {
        name: 'RangeError',
        message: `CONFIG_ASYNC_TCP_USE_WDT must be 0 or 1 (n or y), not "${text}"`,
      });
    }
    assert.throws(() => new Configuration().configure(untyped({ useWdt: 'y' })), {
      message: 'useWdt must be 0 or 1, not "y"',
    });
  });
});

describe('the names of today’s C++ library', () => {
  it('set the same options, the stack size in bytes', () => {
    for (const [bytes, words] of [
      [16_384, 4096],
      [1024, 256],
      [1025, 257],
      [67_108_864, 16_777_216],
    ] as const) {
      const byEnvironment = withEnvironment({ CONFIG_ASYNC_TCP_STACK_SIZE: String(bytes) });
      assert.equal(byEnvironment.integer('taskStackSize'), words);
      const defined = new Configuration();
      defined.define(`CONFIG_ASYNC_TCP_STACK_SIZE=${bytes}`);
      assert.equal(defined.integer('taskStackSize'), words);
      const byCode = new Configuration();
      byCode.configure(untyped({ CONFIG_ASYNC_TCP_STACK_SIZE: bytes }));
      assert.equal(byCode.integer('taskStackSize'), words);
    }
    assert.equal(withEnvironment({ CONFIG_ASYNC_TCP_PRIORITY: '10' }).integer('taskPriority'), 10);
    assert.equal(withEnvironment({ CONFIG_ASYNC_TCP_QUEUE_SIZE: '64' }).integer('queueSize'), 64);
  });

  it('have a range in their own unit', () => {
    for (const bytes of [1023, 67_108_865]) {
      assert.throws(
        () => withEnvironment({ CONFIG_ASYNC_TCP_STACK_SIZE: String(bytes) }).integer('taskStackSize'),
        {
          name: 'RangeError',
          message: `CONFIG_ASYNC_TCP_STACK_SIZE must be 1024 to 67108864 bytes, not ${bytes}`,
        },
      );
    }
    assert.throws(
      () => new Configuration().define('CONFIG_ASYNC_TCP_STACK_SIZE'),
      /CONFIG_ASYNC_TCP_STACK_SIZE=…, 1024 to 67108864 bytes$/,
    );
    assert.throws(
      () => new Configuration().define('CONFIG_ASYNC_TCP_PRIORITY=25'),
      /must be 0 to 24, not 25/,
    );
  });

  const BOTH: readonly [first: [string, string], second: [string, string]][] = [
    [
      ['CONFIG_ASYNC_TCP_TASK_STACK_SIZE', '4096'],
      ['CONFIG_ASYNC_TCP_STACK_SIZE', '16384'],
    ],
    [
      ['CONFIG_ASYNC_TCP_PRIORITY', '5'],
      ['CONFIG_ASYNC_TCP_TASK_PRIORITY', '5'],
    ],
  ];

  it('may stand beside the documented ones in one layer when they say the same', () => {
    for (const [[first, one], [second, other]] of BOTH) {
      const { option, value } = first.includes('STACK')
        ? ({ option: 'taskStackSize', value: 4096 } as const)
        : ({ option: 'taskPriority', value: 5 } as const);
      assert.equal(withEnvironment({ [first]: one, [second]: other }).integer(option), value);
      const defined = new Configuration();
      defined.define(`${first}=${one}`);
      defined.define(`${second}=${other}`);
      assert.equal(defined.integer(option), value);
      const byCode = new Configuration();
      byCode.configure(untyped({ [first]: Number(one), [second]: Number(other) }));
      assert.equal(byCode.integer(option), value);
    }
  });

  it('contradicting the documented ones in one layer are an error that names both, and change nothing', () => {
    for (const [[first, one], [second]] of BOTH) {
      const other = second.includes('STACK') ? '20000' : '6';
      const expected = {
        name: 'RangeError',
        message: `${first} and ${second} are names of one setting and contradict each other; leave one of them out`,
      };
      assert.throws(
        () => withEnvironment({ [first]: one, [second]: other }).integer('taskPriority'),
        expected,
      );
      const defined = new Configuration();
      defined.define(`${first}=${one}`);
      assert.throws(() => defined.define(`${second}=${other}`), expected);
      const byCode = new Configuration();
      const both = { [first]: Number(one), [second]: Number(other) };
      assert.throws(() => byCode.configure(untyped(both)), expected);
      assert.equal(byCode.isSet('taskPriority') || byCode.isSet('taskStackSize'), false);
    }
    assert.throws(
      () => new Configuration().configure(untyped({ tcpWnd: 2000, CONFIG_LWIP_TCP_WND_DEFAULT: 3000 })),
      /^RangeError: tcpWnd and CONFIG_LWIP_TCP_WND_DEFAULT are names of one setting/,
    );
  });

  it('in another layer win or lose as any name does', () => {
    const configuration = withEnvironment({ CONFIG_ASYNC_TCP_PRIORITY: '5' });
    configuration.configure({ taskPriority: 4 });
    assert.equal(configuration.integer('taskPriority'), 5);
    const defined = withEnvironment({ CONFIG_ASYNC_TCP_TASK_PRIORITY: '5' });
    defined.define('CONFIG_ASYNC_TCP_PRIORITY=6');
    assert.equal(defined.integer('taskPriority'), 6);
    assert.deepEqual(configuration.variablesWith({}), { CONFIG_ASYNC_TCP_TASK_PRIORITY: '5' });
  });

  it('in the environment give way to what a task’s starter gave', () => {
    const environment = { CONFIG_ASYNC_TCP_PRIORITY: '5', CONFIG_LWIP_TCP_WND_DEFAULT: '2000', PATH: '/bin' };
    const variables = withVariables(environment, { CONFIG_ASYNC_TCP_TASK_PRIORITY: '6' });
    assert.deepEqual(variables, {
      CONFIG_LWIP_TCP_WND_DEFAULT: '2000',
      PATH: '/bin',
      CONFIG_ASYNC_TCP_TASK_PRIORITY: '6',
    });
    assert.equal(withEnvironment(variables).integer('taskPriority'), 6);
  });
});

describe('the layers', () => {
  const NAME = 'CONFIG_LWIP_MAX_ACTIVE_TCP';

  it('win in the order code, environment, command line, whatever was set first', () => {
    const all = withEnvironment({ [NAME]: '2' });
    all.define(`${NAME}=3`);
    all.configure({ maxActiveTcp: 1 });
    assert.equal(all.integer('maxActiveTcp'), 3);

    const two = withEnvironment({ [NAME]: '2' });
    two.configure({ maxActiveTcp: 1 });
    assert.equal(two.integer('maxActiveTcp'), 2);

    const one = new Configuration();
    one.configure({ maxActiveTcp: 1 });
    assert.equal(one.integer('maxActiveTcp'), 1);
  });

  it('do not take 0 for not set', () => {
    const configuration = withEnvironment({ CONFIG_ASYNC_TCP_USE_WDT: '0' });
    configuration.configure({ useWdt: 1 });
    configuration.define('CONFIG_ASYNC_TCP_MAX_ACK_TIME=0');
    assert.equal(configuration.integer('useWdt'), 0);
    assert.equal(configuration.integer('maxAckTimeMs'), 0);
  });

  it('concern one option each', () => {
    const configuration = withEnvironment({ CONFIG_LWIP_TCP_WND_DEFAULT: '2048' });
    configuration.configure({ tcpSndBuf: 4096 });
    assert.deepEqual(
      [configuration.integer('tcpWnd'), configuration.integer('tcpSndBuf'), configuration.integer('tcpMss')],
      [2048, 4096, undefined],
    );
    assert.deepEqual(
      (['tcpWnd', 'tcpSndBuf', 'tcpMss'] as const).map((option) => configuration.isSet(option)),
      [true, true, false],
    );
  });

  it('of one kind: the later definition wins, and a second configure() keeps what it does not name', () => {
    const configuration = new Configuration();
    configuration.configure({ tcpWnd: 2000, tcpSndBuf: 3000 });
    configuration.configure({ tcpWnd: 2001 });
    configuration.define('CONFIG_LWIP_MAX_ACTIVE_TCP=4000');
    configuration.define('CONFIG_LWIP_MAX_ACTIVE_TCP=4001');
    assert.equal(configuration.integer('tcpWnd'), 2001);
    assert.equal(configuration.integer('tcpSndBuf'), 3000);
    assert.equal(configuration.integer('maxActiveTcp'), 4001);
  });
});

describe('configure()', () => {
  it('sets all options or, when one is wrong, none', () => {
    const wrong: unknown[] = [{ tcpSndBuf: 1 }, { nonsense: 1 }, { stack: 'carrier pigeon' }];
    for (const last of wrong) {
      const configuration = new Configuration();
      configuration.configure({ tcpWnd: 1111 });
      assert.throws(
        () => configuration.configure(untyped({ tcpWnd: 2222, maxActiveTcp: 7, ...(last as object) })),
        RangeError,
      );
      assert.equal(configuration.integer('tcpWnd'), 1111);
      assert.equal(configuration.integer('maxActiveTcp'), undefined);
    }
  });

  it('names an option that it does not know, and the nearest that it does', () => {
    assert.throws(() => new Configuration().configure(untyped({ maxActiveTCP: 5 })), {
      name: 'RangeError',
      message: 'unknown configuration symbol maxActiveTCP; the nearest known one is maxActiveTcp',
    });
    assert.throws(
      () => new Configuration().configure(untyped({ nonsense: undefined })),
      /unknown .* nonsense;/,
    );
  });

  it('names no unrelated option', () => {
    for (const name of ['nonsense', 'core', 'x', '', 'timeout', 'diagnose']) {
      assert.throws(() => new Configuration().configure(untyped({ [name]: 1 })), {
        message: `unknown configuration symbol ${name}; docs/configuration.md lists them, "asynctcp run --help" at its end`,
      });
    }
  });

  it('takes undefined for not set', () => {
    const configuration = new Configuration();
    configuration.configure({ tcpWnd: 1111 });
    configuration.configure(untyped({ tcpWnd: undefined }));
    assert.equal(configuration.integer('tcpWnd'), 1111);
  });

  it('takes an object', () => {
    for (const value of [undefined, null, 5, 'tcpWnd=5']) {
      assert.throws(
        () => new Configuration().configure(untyped(value)),
        /^TypeError: configure takes an object of options, not /,
      );
    }
  });

  it('comes too late once something was read, and then changes nothing', () => {
    const readings: ((configuration: Configuration) => unknown)[] = [
      (configuration) => configuration.integer('tcpWnd'),
      (configuration) => configuration.stack(),
    ];
    for (const read of readings) {
      const configuration = new Configuration();
      read(configuration);
      assert.throws(
        () => configuration.configure({ tcpWnd: 2222 }),
        /^Error: configure\(\) comes before the first client, server or stack/,
      );
      assert.equal(configuration.integer('tcpWnd'), undefined);
    }
  });

  it('is not too late when only isSet() was asked', () => {
    const configuration = new Configuration();
    assert.equal(configuration.isSet('tcpWnd'), false);
    configuration.configure({ tcpWnd: 2222 });
    assert.equal(configuration.isSet('tcpWnd'), true);
  });
});

describe('the environment', () => {
  it('is read at first use, and once', () => {
    let readings = 0;
    const variables: Record<string, string> = {};
    const configuration = new Configuration();
    configuration.setEnvironment(() => {
      readings += 1;
      return variables;
    });
    assert.equal(readings, 0);
    variables['CONFIG_LWIP_TCP_WND_DEFAULT'] = '5000';
    assert.equal(configuration.integer('tcpWnd'), 5000);
    variables['CONFIG_LWIP_TCP_WND_DEFAULT'] = '6000';
    assert.equal(configuration.integer('tcpWnd'), 5000);
    assert.equal(readings, 1);
  });

  it('may have other variables, of ESP-IDF too, but no mistyped one of AsyncTCP', () => {
    const others = {
      PATH: '/bin',
      CONFIG_LWIP_TCP_WND: '5',
      CONFIG_FREERTOS_HZ: '1000',
      CONFIG_ASYNC_TCP: '1',
    };
    assert.equal(withEnvironment(others).integer('tcpWnd'), undefined);
    assert.throws(() => withEnvironment({ ...others, CONFIG_ASYNC_TCP_STACKS: 'node' }).integer('tcpWnd'), {
      name: 'RangeError',
      message:
        'unknown configuration symbol CONFIG_ASYNC_TCP_STACKS; the nearest known one is CONFIG_ASYNC_TCP_STACK',
    });
  });

  it('that is wrong is told at every use, and a variable that is not set is none', () => {
    const wrong = withEnvironment({ CONFIG_ASYNC_TCP_USE_WDT: '2' });
    for (let use = 0; use < 2; use += 1)
      assert.throws(() => wrong.integer('tcpWnd'), /CONFIG_ASYNC_TCP_USE_WDT/);
    assert.throws(() => wrong.isSet('tcpWnd'), /CONFIG_ASYNC_TCP_USE_WDT/);
    assert.equal(withEnvironment({ CONFIG_ASYNC_TCP_USE_WDT: undefined }).integer('useWdt'), 1);
  });

  it('has an empty variable for one that is not set', () => {
    const variables = {
      CONFIG_ASYNC_TCP_USE_WDT: '',
      CONFIG_ASYNC_TCP_STACK: '',
      CONFIG_ASYNC_TCP_PRIORITY: '',
      CONFIG_ASYNC_TCP_TASK_PRIORITY: '4',
      CONFIG_ASYNC_TCP_NONSENSE: '',
    };
    const configuration = withEnvironment(variables);
    configuration.configure({ useWdt: 0 });
    assert.deepEqual(
      [configuration.integer('useWdt'), configuration.stack(), configuration.integer('taskPriority')],
      [0, 'auto', 4],
    );
  });
});

describe('define()', () => {
  const NEAREST = {
    CONFIG_ASYNC_TCP_STAK: 'CONFIG_ASYNC_TCP_STACK',
    CONFIG_ASYNC_TCP_RUNING_CORE: 'CONFIG_ASYNC_TCP_RUNNING_CORE',
    CONFIG_ASYNC_TCP_TASK_SIZE: 'CONFIG_ASYNC_TCP_STACK_SIZE',
    CONFIG_ASYNC_TCP_TASK_WDT_PANIC: 'CONFIG_ESP_TASK_WDT_PANIC',
    CONFIG_LWIP_TCP_WND: undefined,
    ASYNC_TCP_STACK: 'CONFIG_ASYNC_TCP_STACK',
    config_async_tcp_priority: 'CONFIG_ASYNC_TCP_PRIORITY',
    CONFIG_ASYNC_TCP_SSL_ENABLED: undefined,
    CONFIG_ASYNC_TCP_X: undefined,
    CONFIG_ASYNC_TCP_: undefined,
    stack: 'CONFIG_ASYNC_TCP_STACK',
    maxAckTimeMs: 'CONFIG_ASYNC_TCP_MAX_ACK_TIME',
    '': undefined,
  } as const;

  it('names a symbol that it does not know and, if it is a slip of the pen, the one that was meant', () => {
    for (const [name, nearest] of Object.entries(NEAREST)) {
      const hint =
        nearest === undefined
          ? 'docs/configuration.md lists them, "asynctcp run --help" at its end'
          : `the nearest known one is ${nearest}`;
      for (const definition of [`${name}=5`, name]) {
        assert.throws(() => new Configuration().define(definition), {
          name: 'RangeError',
          message: `unknown configuration symbol ${name}; ${hint}`,
        });
      }
    }
  });

  it('without a value says which there are', () => {
    assert.throws(() => new Configuration().define('CONFIG_LWIP_TCP_MSL'), {
      name: 'RangeError',
      message: 'CONFIG_LWIP_TCP_MSL needs a value: CONFIG_LWIP_TCP_MSL=…, 1000 to 120000 ms',
    });
  });

  it('takes all that follows the first = for the value', () => {
    assert.throws(() => new Configuration().define('CONFIG_ASYNC_TCP_STACK=node=1'), /not "node=1"$/);
  });

  it('that is wrong leaves the former one', () => {
    const configuration = new Configuration();
    configuration.define('CONFIG_LWIP_TCP_WND_DEFAULT=4000');
    assert.throws(() => configuration.define('CONFIG_LWIP_TCP_WND_DEFAULT=1'), RangeError);
    assert.equal(configuration.integer('tcpWnd'), 4000);
  });

  it('after the first reading does not change what was read', () => {
    const configuration = new Configuration();
    const before = configuration.integer('tcpWnd');
    try {
      configuration.define('CONFIG_LWIP_TCP_WND_DEFAULT=4000');
    } catch {
      // A refusal because the change comes too late is as good.
    }
    assert.equal(configuration.integer('tcpWnd'), before);
  });
});

describe('a symbol', () => {
  it('is found by its option', () => {
    for (const symbol of SYMBOLS) assert.equal(symbolOf(symbol.option), symbol);
    assert.throws(() => symbolOf('nonsense' as keyof ConfigureOptions), /every option has a symbol/);
  });

  it('tells its range in words', () => {
    assert.equal(rangeText(symbolOf('stack')), 'auto, kernel or node');
    assert.equal(rangeText(symbolOf('taskPriority')), '0 to 24');
    assert.equal(rangeText(symbolOf('wdtTimeoutS')), '1 to 3600 s');
    assert.equal(rangeText(symbolOf('useWdt')), '0 or 1 (n or y)');
  });
});

describe('variablesWith()', () => {
  it('gives all that is set, for another thread, under the symbols’ names; the later layer wins', () => {
    const configuration = withEnvironment({ CONFIG_ASYNC_TCP_TASK_PRIORITY: '4', OTHER: 'x' });
    configuration.configure({ runningCore: 0, taskPriority: 1, wdtTimeoutS: 2 });
    configuration.define('CONFIG_ESP_TASK_WDT_TIMEOUT_S=7');
    assert.deepEqual(configuration.variablesWith({ runningCore: 1, taskPriority: 2, diagnostics: 1 }), {
      CONFIG_ASYNC_TCP_RUNNING_CORE: '1',
      CONFIG_ASYNC_TCP_TASK_PRIORITY: '4',
      CONFIG_ESP_TASK_WDT_TIMEOUT_S: '7',
      CONFIG_ASYNC_TCP_DIAGNOSTICS: '1',
    });
  });

  it('changes nothing here, and may be asked at any time', () => {
    const configuration = new Configuration();
    assert.equal(configuration.integer('runningCore'), -1);
    assert.deepEqual(configuration.variablesWith({ runningCore: 1 }), { CONFIG_ASYNC_TCP_RUNNING_CORE: '1' });
    assert.equal(configuration.isSet('runningCore'), false);
  });

  it('refuses what configure() refuses', () => {
    const configuration = new Configuration();
    assert.throws(() => configuration.variablesWith({ runningCore: -2 }), /runningCore must be -1 to 1023/);
    assert.throws(
      () => configuration.variablesWith(untyped({ core: 1 })),
      /unknown configuration symbol core/,
    );
    assert.throws(
      () => configuration.variablesWith(untyped(7)),
      /startTask takes an object of options, not 7/,
    );
  });
});
