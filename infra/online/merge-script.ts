import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { headerBytes } from '#schemas/features/layout.ts';
import type { DescribedView, ViewCatalog } from './delta.ts';

const source = readFileSync(join(import.meta.dirname, 'merge.lua'), 'utf8');

/** The merge script with the views of a catalog in front. */
export function mergeScript(catalog: ViewCatalog): string {
  const views = catalog
    .describe()
    .map((view) =>
      view.storage === 'packed'
        ? `{merge=${packedMerge(view)},bytes=${headerBytes + 8 * view.doubles}}`
        : `{storage='${view.storage}',log=${view.log ? `LOGS['${view.log.log}']` : 'nil'},capacity=${view.capacity}}`,
    );
  return `local LOGS = {${logs(catalog)}}\nlocal VIEWS = {${views.join(',\n')}}\n${source}`;
}

/** Of each log its views by their tags. */
function logs(catalog: ViewCatalog): string {
  const byName = new Map<string, string[]>();
  for (const { log } of catalog.describe())
    if (log) byName.set(log.log, [...(byName.get(log.log) ?? []), `[${log.tag}]={ranked=${log.storage === 'ranked'},capacity=${log.capacity}}`]);
  return [...byName].map(([name, views]) => `['${name}']={${views.join(',')}}`).join(',\n');
}

/**
 * A Lua function of (stored, delta) without a loop or a table: one value comes from two strings of doubles. `f` is the
 * fingerprint, `t` and `u` are the moments that stored and new sums are expressed at; the older sums are brought to the later.
 */
function packedMerge({ fingerprint, doubles, slots }: DescribedView): string {
  const list = (name: string) => Array.from({ length: doubles }, (_, i) => `${name}${i}`).join(',');
  const halfLives = [...new Set(slots.flatMap((s) => (s.kind === 'decayedSum' && s.halfLifeMs !== Infinity ? [s.halfLifeMs] : [])))];
  const factors = halfLives.map((_, h) => `w${h}`).join(',');
  const sum = (older: 'a' | 'b') => {
    const newer = older === 'a' ? 'b' : 'a';
    const sums = slots.map(({ kind, halfLifeMs, at }) => {
      if (kind === 'lastWrite') return `a${at},a${at + 1}`;
      const factor = halfLifeMs === Infinity ? '' : `*w${halfLives.indexOf(halfLifeMs)}`;
      return `${newer}${at}+${older}${at}${factor}`;
    });
    return `return struct.pack(format,f,${older === 'a' ? 'u' : 't'},${sums.join(',')})`;
  };
  // Of a register the later time stays, at a tie the larger value.
  const registers = slots
    .filter((s) => s.kind === 'lastWrite')
    .map(({ at }) => {
      const [time, value] = [at, at + 1];
      return `if b${time}>a${time} or (b${time}==a${time} and b${value}>a${value}) then a${time},a${value}=b${time},b${value} end`;
    });
  const weights = halfLives.length === 0 ? '' : `local ${factors}=${halfLives.map((h) => `2^(age/${h})`).join(',')}`;
  return `function(stored,delta)
local format='<I4${'d'.repeat(doubles + 1)}'
local f,t,${list('a')}=struct.unpack(format,stored)
if f~=${fingerprint} then return delta end
local _,u,${list('b')}=struct.unpack(format,delta)
${registers.join('\n')}
local age=t>u and u-t or t-u
${weights}
if t>u then ${sum('b')} end
${sum('a')}
end`;
}
