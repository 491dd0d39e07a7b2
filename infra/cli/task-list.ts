import { MultiBar, Presets } from 'cli-progress';
import type { Progress } from '../stack/stack.ts';

/** Shows pieces of work as they begin and end: live bars on a terminal, one line each elsewhere. */
export function taskList(): Progress & { close(): void; bar(title: string, total: number): (done: number) => void } {
  const live = process.stdout.isTTY === true;
  const bars = live
    ? new MultiBar({ format: '{mark} {title} {bar} {time}', hideCursor: true, barsize: 20, clearOnComplete: false, fps: 8 }, Presets.shades_classic)
    : undefined;
  const seconds = (began: number) => `${((performance.now() - began) / 1000).toFixed(1)} s`;
  return {
    begin(title) {
      const began = performance.now();
      const bar = bars?.create(100, 0, { title: title.padEnd(46), mark: '·', time: '' });
      // How long a start takes is not known: the bar nears its end without reaching it.
      const timer = bar && setInterval(() => bar.update(100 * (1 - Math.exp(-(performance.now() - began) / 12_000)), { time: seconds(began) }), 200);
      return () => {
        clearInterval(timer);
        bar?.update(100, { mark: '✓', time: seconds(began) });
        if (!live) console.log(`✓ ${title} (${seconds(began)})`);
      };
    },
    bar(title, total) {
      const began = performance.now();
      const bar = bars?.create(total, 0, { title: title.padEnd(46), mark: '·', time: '' });
      let said = -1;
      return (done) => {
        bar?.update(done, { time: seconds(began), mark: done >= total ? '✓' : '·' });
        const tenth = Math.floor((10 * done) / Math.max(1, total));
        if (!live && tenth !== said) console.log(`  ${title}: ${Math.min(100, tenth * 10)} %`);
        said = tenth;
      };
    },
    close() {
      bars?.stop();
    },
  };
}
