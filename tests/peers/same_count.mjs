// SPDX-License-Identifier: MIT
// What pixelmatch counts in the pictures of tests/test_compare_metrics.c, whose numbers these are, and in
// random ones, which `vgt compare --metric yiq` must count alike:
//	node same_count.mjs VGT DIRECTORY [ROUNDS]
// DIRECTORY takes the pictures. pixelmatch and pngjs are found as import finds packages.
import {spawnSync} from 'node:child_process';
import fs from 'node:fs';
import pixelmatch from 'pixelmatch';
import {PNG} from 'pngjs';

const [vgt, directory, rounds = '40'] = process.argv.slice(2);

// The generator of tests/test_compare_metrics.c.
function hash(a, b, c) {
	let value = Math.imul(a, 0x9e3779b1) ^ Math.imul(b, 0x85ebca77) ^ Math.imul(c, 0xc2b2ae3d);
	value = Math.imul(value ^ (value >>> 15), 0x2c1b3c6d);
	value = Math.imul(value ^ (value >>> 12), 0x297a2d39);
	return (value ^ (value >>> 15)) >>> 0;
}

// Plain blocks with edges between two colours, which b has moved a little; in places b has
// noise, or other colours.
function sample(seed, x, y, channel, changed, translucent) {
	const column = Math.trunc(x / 9), row = Math.trunc(y / 7);
	const here = hash(seed + column, row, channel) & 255;
	const left = hash(seed + column - 1, row, channel) & 255;
	const block = hash(seed, column, row) % 8;
	let value = here;
	if (channel == 3 && !translucent) {
		return 255;
	}
	if (x % 9 == 0) {
		const part = changed && block < 4 ? 150 : 90;
		value = (here * part + left * (256 - part)) >> 8;
	}
	if (changed && block == 5) {
		value = Math.min(255, value + hash(x, y, channel) % 24);
	}
	if (changed && block == 6) {
		value = Math.trunc(value * 7 / 8);
	}
	return value;
}

function picture(seed, width, height, changed, translucent) {
	const png = new PNG({width, height});
	for (let y = 0, i = 0; y < height; y++) {
		for (let x = 0; x < width; x++) {
			for (let channel = 0; channel < 4; channel++) {
				png.data[i++] = sample(seed, x, y, channel, changed, translucent);
			}
		}
	}
	return png;
}

function write(name, png) {
	const path = `${directory}/${name}.png`;
	fs.writeFileSync(path, PNG.sync.write(png));
	return path;
}

function noise(width, height, spread, from) {
	const png = new PNG({width, height});
	for (let i = 0; i < png.data.length; i++) {
		png.data[i] = from ? Math.max(0, Math.min(255, from.data[i] + Math.floor((Math.random() - 0.5) * spread)))
			: Math.random() * 256;
	}
	return png;
}

function check(a, b, options, args) {
	const wanted = pixelmatch(a.data, b.data, null, a.width, a.height, options);
	const run = spawnSync(vgt, ['compare', '--json', '--metric', 'yiq', ...args, write('a', a), write('b', b)]);
	const counted = JSON.parse(run.stdout).pairs[0].pixels_beyond;
	if (counted != wanted) {
		console.error(`pixelmatch counts ${wanted} pixels, vgt ${counted}: ${JSON.stringify(options)}, ${directory}/{a,b}.png`);
		process.exit(1);
	}
	return wanted;
}

for (const translucent of [false, true]) {
	const a = picture(1, 64, 48, false, translucent), b = picture(1, 64, 48, true, translucent);
	write(translucent ? 'translucent-a' : 'opaque-a', a);
	write(translucent ? 'translucent-b' : 'opaque-b', b);
	console.log(translucent ? 'translucent' : 'opaque',
		...[0.02, 0.05, 0.1, 0.2].map((threshold) => check(a, b, {threshold}, ['--threshold', `${threshold}`])),
		'counted', check(a, b, {includeAA: true}, ['--antialiased', 'count']));
}
let checked = 0, pixels = 0;
for (let round = 0; round < Number(rounds); round++) {
	const width = 1 + Math.floor(Math.random() * 80), height = 1 + Math.floor(Math.random() * 60);
	const seed = Math.floor(Math.random() * 1e6);
	const threshold = Math.floor(Math.random() * 300) / 1000;
	const pairs = [
		[picture(seed, width, height, false, round % 2), picture(seed, width, height, true, round % 2)],
	];
	const random = noise(width, height);
	pairs.push([random, noise(width, height, 10 ** (round % 3), random)]);
	for (const [a, b] of pairs) {
		for (const includeAA of [false, true]) {
			pixels += check(a, b, {threshold, includeAA},
				['--threshold', `${threshold}`, '--antialiased', includeAA ? 'count' : 'ignore']);
			checked++;
		}
	}
}
console.log(`${checked} random pairs counted alike, ${pixels} pixels`);
