// SPDX-License-Identifier: MIT
// node pixelmatch.mjs A.png B.png ROUNDS: the pixels that pixelmatch counts with its defaults, and with
// `includeAA`, and the median of its times in ms for the former, without reading the files.
import { readFileSync } from 'node:fs';
import pixelmatch from 'pixelmatch';
import { PNG } from 'pngjs';

const [, , aPath, bPath, rounds] = process.argv;
const a = PNG.sync.read(readFileSync(aPath));
const b = PNG.sync.read(readFileSync(bPath));
const times = [];
let count;

for (let i = 0; i < rounds; i++) {
	const begin = performance.now();
	count = pixelmatch(a.data, b.data, null, a.width, a.height);
	times.push(performance.now() - begin);
}
times.sort((x, y) => x - y);
const all = pixelmatch(a.data, b.data, null, a.width, a.height, { includeAA: true });
console.log(count, all, times[times.length >> 1].toFixed(3));
