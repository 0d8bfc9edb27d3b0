import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Configuration, rangeText, symbolOf, SYMBOLS, type ConfigureOptions } from './configuration.js';

/** What JavaScript's callers may pass in spite of the types. */
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
    const range = rangeText(symbol);

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
          message: `${name} must be ${range}, not ${shown}`,
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
    for (const text of ['', ' ', '5 ', '+5', '5.0', '5e2', '0x10', '5ms', 'NaN', '--5', '1_000']) {
      const expected = {
        name: 'RangeError',
        message: `${name} must be 0 to 3600000 ms, not ${JSON.stringify(text)}`,
      };
      assert.throws(() => new Configuration().define(`${name}=${text}`), expected);
      assert.throws(() => withEnvironment({ [name]: text }).integer('maxAckTimeMs'), expected);
    }
  });

  it('from code is a number, not its text', () => {
    for (const value of ['5', 5n, true, null, 1.5, Number.NaN, {}]) {
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
    configuration.define('CONFIG_ASYNC_TCP_STACK=node');
    assert.equal(configuration.stack(), 'node');
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
});

describe('define()', () => {
  it('names a symbol that it does not know, an option among them, and the nearest that it does', () => {
    for (const definition of [
      'CONFIG_ASYNC_TCP_STAK=node',
      'stack=node',
      'CONFIG_ASYNC_TCP_STAK',
      '=5',
      '',
    ]) {
      assert.throws(
        () => new Configuration().define(definition),
        (error: Error) => {
          const name = definition.split('=')[0] ?? '';
          const [told, nearest] = error.message.split('; the nearest known one is ');
          assert.equal(told, `unknown configuration symbol ${name}`);
          assert.ok(SYMBOLS.some(({ symbol }) => symbol === nearest));
          if (name === 'CONFIG_ASYNC_TCP_STAK') assert.equal(nearest, 'CONFIG_ASYNC_TCP_STACK');
          return error instanceof RangeError;
        },
      );
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
      // Saying that it comes too late is as good.
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
