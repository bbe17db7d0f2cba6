/* The report of `vgt test --html`. All text comes from traces, manifests and logs, so it becomes text nodes only. */
'use strict';
(() => {
const $ = id => document.getElementById(id);
const data = JSON.parse($('data').textContent);
const runs = data.runs, sizes = data.pictures;
const run = runs[0] || {};

const VERDICTS = [ // the gravest first: [name, word, path of the icon]
	['crash', 'crashed', 'M9.5 1.8 4 9h3.6L6.6 14.2 12 7H8.4z'],
	['hang', 'hung', 'M8 4.6V8l2.3 1.6M14 8A6 6 0 1 1 2 8a6 6 0 0 1 12 0z'],
	['fail', 'failed', 'M4 4l8 8M12 4l-8 8'],
	['fixed', 'fixed', 'M8 13V3.6M4 7.4 8 3.4l4 4'],
	['error', 'could not run', 'M8 3v6M8 12.6v.2'],
	['flaky', 'flaky', 'M2.5 9.5c1.6-4 3.4-4 5.5-1.4s3.9 2.6 5.5-1.6'],
	['known', 'known failure', 'M4 6h8M4 10h8'],
	['skip', 'skipped', 'M4 8h8'],
	['pass', 'passed', 'M3.2 8.4 6.6 12l6.2-7.6'],
];
const rankOf = verdict => VERDICTS.findIndex(([name]) => name === verdict);
const wordOf = verdict => (VERDICTS[rankOf(verdict)] || ['', String(verdict)])[1];
const isBad = verdict => { const rank = rankOf(verdict); return rank >= 0 && rank <= rankOf('error'); };
const { tests } = data;
tests.sort((a, b) => rankOf(a.verdict) - rankOf(b.verdict) || a.position - b.position);

/* Elements */

function make(tag, attributes, ...children) {
	const element = document.createElement(tag);
	for (const [name, value] of Object.entries(attributes || {})) {
		if (name === 'onclick') { element.addEventListener('click', value); }
		else if (value !== undefined && value !== null && value !== false) { element.setAttribute(name, value === true ? '' : value); }
	}
	element.append(...children.flat().filter(child => child !== undefined && child !== null && child !== false));
	return element;
}
function icon(verdict) {
	const svg = document.createElementNS('http://www.w3.org/2000/svg', 'svg');
	const path = document.createElementNS('http://www.w3.org/2000/svg', 'path');
	const drawn = (VERDICTS[rankOf(verdict)] || [])[2] || 'M4 8h8';
	svg.setAttribute('class', 'icon');
	svg.setAttribute('viewBox', '0 0 16 16');
	svg.setAttribute('aria-hidden', 'true');
	path.setAttribute('d', drawn);
	svg.append(path);
	return svg;
}
const button = (label, onclick, attributes) => make('button', { type: 'button', class: 'button', onclick, ...attributes }, label);
const plural = (count, word) => `${count} ${word}${count === 1 ? '' : 's'}`;
const seconds = value => value >= 100 ? `${Math.round(value)} s` : `${value.toFixed(value >= 10 ? 1 : 2)} s`;
const say = text => { $('live').textContent = text; };

async function copy(text, from) {
	try {
		await navigator.clipboard.writeText(text);
	} catch {
		const area = make('textarea', { class: 'unseen' });
		area.value = text;
		document.body.append(area);
		area.select();
		document.execCommand('copy');
		area.remove();
	}
	const before = from.dataset.label || from.textContent;
	from.dataset.label = before;
	from.textContent = 'Copied';
	say(`Copied: ${text}`);
	setTimeout(() => { from.textContent = before; }, 1400);
}
/* A word of a command line as a shell reads it. */
const quoted = word => /^[\w@%+=:,./-]+$/.test(word) && !word.startsWith('-') ? word : `'${word.replaceAll("'", "'\\''")}'`;

/* Pictures: base64 in elements behind the script, there once the page is whole. */

const whole = document.readyState === 'loading'
	? new Promise(resolve => document.addEventListener('DOMContentLoaded', resolve, { once: true })) : Promise.resolve();
const blobs = new Map(), addresses = new Map(), decoded = new Map();
async function blobOf(id) {
	await whole;
	if (!blobs.has(id)) {
		const text = atob($(`p${id}`).textContent.trim());
		const bytes = new Uint8Array(text.length);
		for (let i = 0; i < text.length; i++) { bytes[i] = text.charCodeAt(i); }
		blobs.set(id, new Blob([bytes], { type: 'image/png' }));
	}
	return blobs.get(id);
}
async function addressOf(id) {
	const blob = await blobOf(id);
	if (!addresses.has(id)) { addresses.set(id, URL.createObjectURL(blob)); }
	return addresses.get(id);
}
/* The samples as the file has them: a canvas would multiply by alpha, and back, and lose some. vgt writes these
 * files itself, as 8-bit RGB or RGBA without interlace. */
async function readPng(blob) {
	const file = new DataView(await blob.arrayBuffer());
	const parts = [];
	let width = 0, height = 0, channels = 0;
	for (let at = 8; at + 8 <= file.byteLength;) {
		const size = file.getUint32(at), type = file.getUint32(at + 4);
		if (type === 0x49484452) { // IHDR
			width = file.getUint32(at + 8);
			height = file.getUint32(at + 12);
			channels = file.getUint8(at + 17) === 6 ? 4 : 3;
		} else if (type === 0x49444154) { // IDAT
			parts.push(new Uint8Array(file.buffer, at + 8, size));
		}
		at += size + 12;
	}
	const stream = new Blob(parts).stream().pipeThrough(new DecompressionStream('deflate'));
	const raw = new Uint8Array(await new Response(stream).arrayBuffer());
	const pixels = new Uint8ClampedArray(width * height * 4).fill(255);
	const pitch = width * channels;
	for (let y = 0; y < height; y++) {
		const row = y * (pitch + 1) + 1, filter = raw[row - 1];
		for (let i = 0; filter && i < pitch; i++) {
			const left = i >= channels ? raw[row + i - channels] : 0;
			const up = y ? raw[row + i - pitch - 1] : 0;
			const corner = y && i >= channels ? raw[row + i - pitch - 1 - channels] : 0;
			const guess = left + up - corner;
			const [a, b, c] = [Math.abs(guess - left), Math.abs(guess - up), Math.abs(guess - corner)];
			raw[row + i] += filter === 1 ? left : filter === 2 ? up : filter === 3 ? (left + up) >> 1
				: a <= b && a <= c ? left : b <= c ? up : corner;
		}
		for (let x = 0, from = row, to = y * width * 4; x < width; x++, to += 4) {
			for (let channel = 0; channel < channels; channel++) { pixels[to + channel] = raw[from++]; }
		}
	}
	return new ImageData(pixels, width, height);
}
function pictureOf(id) {
	if (!decoded.has(id)) {
		decoded.set(id, (async () => {
			const image = await readPng(await blobOf(id));
			const canvas = document.createElement('canvas');
			canvas.width = image.width;
			canvas.height = image.height;
			canvas.getContext('2d').putImageData(image, 0, 0);
			return { width: image.width, height: image.height, data: image.data, canvas };
		})());
		if (decoded.size > 24) { decoded.delete(decoded.keys().next().value); } // the rest of them is only decoded again
	}
	return decoded.get(id);
}
const seen = new IntersectionObserver(entries => {
	for (const entry of entries) {
		if (entry.isIntersecting) {
			seen.unobserve(entry.target);
			addressOf(Number(entry.target.dataset.picture)).then(address => { entry.target.src = address; });
		}
	}
}, { rootMargin: '200px' });
/* The pictures of a frame: a number, or text that says why there is none. */
const has = (frame, slot) => typeof frame.pictures[slot] === 'number';
/* Those of `wanted` beside each other. */
function thumbs(frame, verdict, wanted, kind) {
	const there = frame ? wanted.filter(slot => has(frame, slot)) : [];
	return make('span', { class: `thumbs ${kind || ''}`, 'data-verdict': verdict, 'aria-hidden': 'true' }, there.length ? there.map(slot => {
		const image = make('img', { alt: '', 'data-picture': frame.pictures[slot] });
		seen.observe(image);
		return image;
	}) : icon(verdict));
}
const frameOf = (test, number) => test.frames.find(frame => frame.number === number);
const firstFrame = test => test.frames.find(frame => !frame.same) || test.frames[0];

/* The place in the page: #NAME/frame-10?verdict=fail,crash&text=...&tag=...&view=flip */

const MODES = [['side', 'Side by side', 'Side'], ['slider', 'Slider'], ['flip', 'Flip'], ['difference', 'Difference', 'Diff'], ['flip-map', 'FLIP map', 'FLIP']];
const state = { test: null, frame: null, verdicts: new Set(), text: '', tag: '', mode: 'side' };
function hashOf(place) {
	const to = { ...state, ...place };
	let path = to.test ? encodeURIComponent(to.test.name) : '';
	if (to.test && to.frame !== null && to.frame !== undefined) { path += `/frame-${to.frame}`; }
	const query = [];
	if (to.verdicts.size) { query.push(`verdict=${[...to.verdicts].join(',')}`); }
	if (to.text) { query.push(`text=${encodeURIComponent(to.text)}`); }
	if (to.tag) { query.push(`tag=${encodeURIComponent(to.tag)}`); }
	if (to.mode !== 'side') { query.push(`view=${to.mode}`); }
	return `#${path}${query.length ? `?${query.join('&')}` : ''}`;
}
function unescapeName(text) {
	try { return decodeURIComponent(text); } catch { return text; }
}
function readHash() {
	const [, path, , query] = /^#?([^?]*)(\?(.*))?$/s.exec(location.hash);
	const values = new URLSearchParams(query || '');
	const slash = path.indexOf('/');
	const name = unescapeName(slash < 0 ? path : path.slice(0, slash));
	const number = /^frame-(\d+)$/.exec(slash < 0 ? '' : path.slice(slash + 1));
	state.test = name ? tests.find(test => test.name === name) || null : null;
	state.frame = null;
	if (state.test && number && frameOf(state.test, Number(number[1]))) { state.frame = Number(number[1]); }
	state.verdicts = new Set((values.get('verdict') || '').split(',').filter(verdict => rankOf(verdict) >= 0));
	state.text = values.get('text') || '';
	state.tag = values.get('tag') || '';
	state.mode = MODES.some(([mode]) => mode === values.get('view')) ? values.get('view') : 'side';
	return name && !state.test ? name : null;
}
function go(place, quietly) {
	const hash = hashOf(place);
	if (hash === (location.hash || '#')) { return; }
	history[quietly ? 'replaceState' : 'pushState'](null, '', hash);
	show();
}

/* The list */

const textOf = new Map(tests.map(test => [test, [test.name, wordOf(test.verdict), test.expected, test.shows, ...test.reasons, ...test.tags].join('\n').toLowerCase()]));
const matches = test => (!state.verdicts.size || state.verdicts.has(test.verdict)) && (!state.tag || test.tags.includes(state.tag)) &&
	state.text.toLowerCase().split(/\s+/).every(word => textOf.get(test).includes(word));
const items = new Map();
function whyOf(test) {
	if (test.reasons.length) { return test.reasons[0]; }
	return test.frames.length ? plural(test.frames.length, 'frame') : `no goldens, ${plural(test.played, 'frame')} played`;
}
function makeItem(test) {
	const link = make('a', { class: 'test', 'data-verdict': test.verdict }, thumbs(firstFrame(test), test.verdict, ['golden'], 'cover'),
		make('div', {}, make('div', { class: 'name' }, icon(test.verdict), make('span', {}, test.name)),
			make('div', { class: 'why', title: test.reasons[0] }, make('span', { class: 'unseen' }, `${wordOf(test.verdict)}: `), whyOf(test))));
	const item = make('li', {}, link);
	items.set(test, { item, link });
	return item;
}
const groups = [
	['To look at', tests.filter(test => isBad(test.verdict))],
	['Expected', tests.filter(test => ['flaky', 'known', 'skip'].includes(test.verdict))],
	['Passed', tests.filter(test => !isBad(test.verdict) && !['flaky', 'known', 'skip'].includes(test.verdict))],
].filter(([, members]) => members.length).map(([name, members]) => ({ members, head: make('li', { class: 'group' }, name), name }));
const counts = VERDICTS.map(([verdict]) => [verdict, tests.filter(test => test.verdict === verdict).length]).filter(([, count]) => count);
const chips = new Map();

function makeList() {
	for (const group of groups) {
		$('tests').append(group.head, ...group.members.map(makeItem));
	}
	for (const [verdict, count] of counts) {
		const chip = make('button', { type: 'button', class: 'chip', 'data-verdict': verdict, onclick: () => {
			const verdicts = new Set(state.verdicts);
			if (!verdicts.delete(verdict)) { verdicts.add(verdict); }
			go({ verdicts }, true);
		} }, icon(verdict), `${count} ${wordOf(verdict)}`);
		chips.set(verdict, chip);
		$('verdicts').append(chip);
		const part = make('i', { 'data-verdict': verdict, title: `${count} ${wordOf(verdict)}` });
		part.style.flexGrow = count;
		$('bar').append(part);
	}
	const tags = new Map();
	for (const tag of tests.flatMap(test => test.tags)) { tags.set(tag, (tags.get(tag) || 0) + 1); }
	$('tagged').hidden = !tags.size;
	$('tag').append(make('option', { value: '' }, 'any'), ...[...tags].sort(([a], [b]) => a < b ? -1 : 1)
		.map(([tag, count]) => make('option', { value: tag }, `${tag} (${count})`)));
	$('tag').addEventListener('change', () => go({ tag: $('tag').value }, true));
	$('text').addEventListener('input', () => go({ text: $('text').value }, true));
	$('filters').addEventListener('submit', event => { event.preventDefault(); const [first] = shownTests(); if (first) { go({ test: first, frame: null }); } });
	const passed = counts.find(([verdict]) => verdict === 'pass');
	$('tally').textContent = tests.length ? `${passed ? passed[1] : 0} of ${tests.length} passed` : '';
	$('suite').textContent = run.suite || 'vgt test';
}
const shownTests = () => groups.flatMap(group => group.members).filter(matches);
function showList() {
	const shown = new Set(shownTests());
	for (const [test, { item, link }] of items) {
		item.hidden = !shown.has(test);
		link.href = hashOf({ test, frame: null });
		if (test === state.test) { link.setAttribute('aria-current', 'true'); } else { link.removeAttribute('aria-current'); }
	}
	for (const group of groups) {
		const count = group.members.filter(test => shown.has(test)).length;
		group.head.hidden = !count;
		group.head.textContent = `${group.name} · ${count}`;
	}
	for (const [verdict, chip] of chips) { chip.setAttribute('aria-pressed', state.verdicts.has(verdict)); }
	if ($('text').value !== state.text) { $('text').value = state.text; }
	$('tag').value = state.tag;
	$('home').href = hashOf({ test: null, frame: null });
	const filtered = state.verdicts.size || state.text || state.tag;
	$('shown').replaceChildren(!tests.length ? 'No tests were run' : filtered ? `${shown.size} of ${plural(tests.length, 'test')}` : plural(tests.length, 'test'),
		...filtered ? [button('Show all', () => go({ verdicts: new Set(), text: '', tag: '' }, true), { class: 'button small' })] : []);
	if (state.test) { items.get(state.test).link.scrollIntoView({ block: 'nearest' }); }
}

/* The overview */

function facts(rows) {
	return make('dl', { class: 'panel facts' }, rows.filter(([, value]) => value !== undefined && value !== null && value !== '')
		.map(([name, value]) => make('div', {}, make('dt', {}, name), make('dd', {}, value))));
}
/* What is the same of all runs once, else each with the runs that it is of. */
function ofRuns(get) {
	const values = new Map();
	runs.forEach((one, i) => { const value = get(one) || ''; values.set(value, [...values.get(value) || [], i + 1]); });
	return values.size < 2 ? [...values.keys()][0] : [...values].map(([value, of]) => `${value || 'not known'} (run ${of.join(', ')})`).join('\n');
}
function card(test) {
	const frame = firstFrame(test);
	return make('a', { class: 'card', 'data-verdict': test.verdict, href: hashOf({ test, frame: null }) },
		thumbs(frame, test.verdict, ['golden', 'actual', 'difference']),
		make('div', { class: 'text' }, make('div', { class: 'name' }, icon(test.verdict), make('span', {}, test.name),
			make('span', { class: 'dim' }, frame && !frame.same ? plural(test.frames.filter(other => !other.same).length, 'frame') : wordOf(test.verdict))),
			make('div', { class: 'why' }, whyOf(test))));
}
function headline() {
	const bad = tests.filter(test => isBad(test.verdict)).length;
	const ran = tests.filter(test => test.verdict !== 'skip').length;
	if (!tests.length) { return 'No tests were run'; }
	if (bad) { return `${bad} of ${plural(tests.length, 'test')} to look at`; }
	return ran === tests.length ? tests.length === 1 ? 'The test passed' : `All ${tests.length} tests passed` : ran ? `All ${ran} tests that were run passed` : 'All tests were skipped';
}
function notes() {
	const missing = Math.max(0, run.selected - tests.length), told = [];
	if (runs.some(one => one.interrupted)) { told.push('The run was interrupted: not all tests were run.'); }
	if (missing) { told.push(`${plural(missing, 'test')} of the suite ${missing === 1 ? 'is' : 'are'} not among these results.`); }
	if (data.left_out) { told.push(`${plural(data.left_out, 'picture')} left out, so that this page is not too large; where they would be it says where they are.`); }
	return told;
}
function makeOverview() {
	const total = tests.reduce((sum, test) => sum + test.seconds, 0);
	const slow = [...tests].sort((a, b) => b.seconds - a.seconds).slice(0, 5);
	const bad = tests.filter(test => isBad(test.verdict));
	const section = (name, kind, ...rest) => make('section', { class: `section ${kind}` }, make('h2', {}, name), ...rest);
	$('overview').replaceChildren(
		make('div', { class: 'first' }, make('h1', { class: 'headline' }, headline()),
			make('p', {}, [counts.map(([verdict, count]) => `${count} ${wordOf(verdict)}`).join(', '),
				total ? `${seconds(total)} of tests` : '', run.renderer].filter(Boolean).join(' · '))),
		...notes().map(note => make('p', { class: 'notice first', 'data-verdict': 'flaky' }, note)),
		...bad.length ? [section('To look at', 'cards-section', make('div', { class: 'cards' }, bad.slice(0, 60).map(card)),
			bad.length > 60 && make('p', { class: 'dim' }, `${bad.length - 60} more are in the list.`))] : [],
		section(runs.length > 1 ? `${runs.length} runs` : 'This run', '', facts([
			['Suite', ofRuns(({ suite }) => suite)], ['Renderer', ofRuns(({ renderer }) => renderer)], ['OpenGL', ofRuns(one => one.gl_version)],
			['virglrenderer', ofRuns(({ virglrenderer }) => virglrenderer)], ['Kernel', ofRuns(({ kernel }) => kernel)], ['Processor', ofRuns(({ cpu }) => cpu)],
			['Environment', ofRuns(({ environment }) => Object.entries(environment).map(([name, value]) => `${name}=${value}`).join('\n'))],
			['vgt', ofRuns(({ vgt }) => vgt)], ['Date', ofRuns(({ date }) => isNaN(Date.parse(date)) ? date : new Date(date).toLocaleString('en-GB', { dateStyle: 'long', timeStyle: 'short', timeZone: 'UTC' }) + ' UTC')],
			['Shard', ofRuns(one => one.shards > 1 ? `${one.shard} of ${one.shards}` : '')], ['At a time', ofRuns(({ jobs }) => jobs > 1 ? plural(jobs, 'test') : '')],
			['Duration', ofRuns(one => seconds(one.seconds))]])),
		...slow.length > 1 && total >= 1 ? [section('Longest', '', make('ol', { class: 'panel lines' }, slow.map(test => make('li', {},
			make('a', { href: hashOf({ test, frame: null }) }, test.name), make('span', { class: 'dim number' }, seconds(test.seconds))))))] : []);
}

/* One test */

/* Addresses on the trace become buttons that copy a command line. */
function withAddresses(text, test) {
	return text.split(/(@\d+(?:\.\d+)?)/).map((part, i) => i % 2 && test.trace ? make('button', { type: 'button', class: 'at', title: `copy: vgt dump ${test.trace} ${part}`,
		onclick: event => copy(`vgt dump ${quoted(test.trace)} ${part}`, event.currentTarget) }, part) : part);
}
const linked = text => /^https?:\/\/[^\s<>"]+$/.test(text) ? make('a', { href: text, rel: 'noreferrer noopener', target: '_blank' }, text) : text;
function code(text, attributes) {
	const parts = text.replace(/\n+$/, '').split(/(@\d+(?:\.\d+)?(?= [A-Z]))/);
	return make('div', { class: 'panel code', ...attributes }, make('pre', { tabindex: 0 }, parts.map((part, i) => i % 2 ? make('b', {}, part) : part)));
}
function section(name, about, text, ...rest) {
	return make('section', { class: 'section' }, make('div', { class: 'sectionhead' }, make('h2', {}, name), about && make('span', { class: 'dim' }, about),
		text && button('Copy', event => copy(text, event.currentTarget), { class: 'button small' })), ...rest);
}
/* What to type to look at it. */
function commandLines(test, frame) {
	if (!test.trace) { return []; }
	const trace = quoted(test.trace), lines = [];
	const place = /@\d+(?:\.\d+)?/.exec(test.reasons[0] || '');
	if (test.verdict === 'crash' || test.verdict === 'hang') {
		lines.push([`vgt replay --step ${trace}`, 'which virgl command it is']);
		if (place) { lines.push([`vgt dump --state ${trace} ${place[0]}`, 'the command, and the state that it finds']); }
	}
	if (frame) {
		const rule = test.rule && test.rule !== 'auto' ? ` --frame=${test.rule}` : '';
		lines.push([`vgt replay${rule} --frames ${frame.number} --out frames ${trace}`, 'the frame again']);
		if (!rule) { lines.push([`vgt dump ${trace} ${frame.number} draw`, 'what draws it'], [`vgt replay --window ${trace}`, 'see it move']); }
		if (frame.actual && frame.golden) { lines.push([`vgt compare ${quoted(frame.golden)} ${quoted(frame.actual)}`, 'compare again']); }
	} else if (!lines.length) {
		lines.push([`vgt verify ${trace}`, 'is the trace whole?'], [`vgt replay ${trace}`, 'play it']);
	}
	return lines;
}
function frameFacts(test, frame) {
	const size = name => { const id = frame.pictures[name]; return typeof id === 'number' ? sizes[id] : null; };
	const [golden, actual] = [size('golden'), size('actual')];
	const area = frame.area && frame.area.width ? `${frame.area.width}×${frame.area.height} pixels at ${frame.area.x}, ${frame.area.y}` : undefined;
	return facts([
		['Measured', frame.measured],
		['Allowed', frame.allowed],
		['Largest', frame.largest ? `${frame.largest} of 255 in a channel` : undefined],
		['Where', area],
		['Size', golden && (actual && (actual.width !== golden.width || actual.height !== golden.height)
			? `golden ${golden.width}×${golden.height}, actual ${actual.width}×${actual.height}` : `${golden.width}×${golden.height}`)],
		['Note', frame.note],
		['Shown at', frame.command !== undefined ? withAddresses(`@${frame.command}`, test) : undefined],
		['Golden', frame.golden && make('span', { class: 'mono' }, frame.golden)],
		['Actual', frame.actual && make('span', { class: 'mono' }, frame.actual)],
		['Difference', frame.difference && make('span', { class: 'mono' }, frame.difference)],
	]);
}
let viewer = null, shownTest = null, shownFrame = null;
function crumbs(test) {
	const order = shownTests(), at = order.indexOf(test);
	const step = (label, other, key) => button(label, () => go({ test: other, frame: null }), { class: 'button small', disabled: !other, title: `${label} (${key})` });
	return make('div', { class: 'crumbs' }, make('a', { class: 'button small', href: hashOf({ test: null, frame: null }) }, '‹ All tests'),
		make('span', { class: 'number' }, at < 0 ? 'not in the filter' : `${at + 1} of ${order.length}`),
		step('Previous', at > 0 ? order[at - 1] : null, 'k'), step('Next', order[at + 1], 'j'));
}
function makeDetail(test, frame) {
	const many = test.more_reasons ? [make('li', {}, `and ${test.more_reasons} more`)] : [];
	const parts = [crumbs(test), make('header', {},
		make('div', { class: 'title', 'data-verdict': test.verdict }, make('h1', {}, test.name), make('span', { class: 'pill' }, icon(test.verdict), wordOf(test.verdict)),
			make('span', { class: 'dim number' }, [seconds(test.seconds), test.attempts > 1 ? `${test.attempts} attempts` : '', runs.length > 1 ? `run ${test.run + 1}` : ''].filter(Boolean).join(' · ')),
			button('Copy link', event => copy(location.href.replace(/#.*/, '') + hashOf({ test, frame: frame ? frame.number : null, verdicts: new Set(), text: '', tag: '' }), event.currentTarget), { class: 'button small' })),
		(test.shows || test.tags.length > 0) && make('p', { class: 'about' }, test.shows,
			make('span', { class: 'tags' }, test.tags.map(tag => make('span', {}, tag)))))];
	if (test.expected) { parts.push(make('p', { class: 'notice', 'data-verdict': 'known' }, 'Expected: ', linked(test.expected))); }
	if (test.reasons.length) {
		parts.push(make('ul', { class: 'notice', 'data-verdict': test.verdict }, test.reasons.map(reason => make('li', {}, withAddresses(reason, test))), many));
	}
	if (test.lacks) { parts.push(make('p', { class: 'notice', 'data-verdict': 'skip' }, `This host lacks of what the recording's had: ${test.lacks}`)); }
	if (frame) {
		if (test.frames.length > 1) {
			parts.push(make('nav', { class: 'frames', 'aria-label': 'Frames' }, test.frames.map(other => make('a', { class: 'frame', href: hashOf({ test, frame: other.number }),
				'aria-current': other === frame ? 'true' : undefined, 'data-verdict': other.same ? 'pass' : 'fail' },
			thumbs(other, other.same ? 'pass' : 'fail', other.same ? ['golden'] : ['golden', 'actual'], 'cover'),
			make('span', { class: 'name' }, icon(other.same ? 'pass' : 'fail'), `Frame ${other.number}`)))));
		}
		viewer = makeViewer(test, frame);
		parts.push(viewer.element, section(`Frame ${frame.number}`, frame.same ? 'within the tolerance' : 'differs from its golden', null, frameFacts(test, frame)));
	} else if (!test.reasons.length) {
		parts.push(make('p', { class: 'notice' }, `It has no goldens: ${plural(test.played, 'frame')} were played, and ${plural(test.answers, 'answer')} of the renderer compared.`));
	} else {
		parts.push(make('p', { class: 'dim' }, 'No frame was compared.'));
	}
	if (test.commands) {
		const place = /@\d+(?:\.\d+)?/.exec(test.reasons[0] || '');
		const grave = test.verdict === 'crash' || test.verdict === 'hang';
		const bad = test.frames.find(other => !other.same);
		parts.push(section('Commands', grave ? `at ${place ? place[0] : 'the end'}, decoded` : bad ? `that draw frame ${bad.number}` : 'decoded', test.commands, code(test.commands)));
	}
	if (test.log_end) { parts.push(section('What the renderer printed', test.log ? `its end; all of it: ${test.log}` : 'its end', test.log_end, code(test.log_end, { class: 'panel code wrap' }))); }
	const lines = commandLines(test, frame);
	if (lines.length) {
		parts.push(section('Look at it', '', null, make('ul', { class: 'panel lines' }, lines.map(([line, about]) => make('li', {}, make('code', {}, line),
			make('span', { class: 'dim' }, about), button('Copy', event => copy(line, event.currentTarget), { class: 'button small', 'aria-label': `Copy: ${line}` }))))));
	}
	parts.push(section('Test', '', null, facts([['Trace', test.trace && make('span', { class: 'mono' }, test.trace)], ['Renderer', test.renderer], ['Frames played', test.played],
		['Answers compared', test.answers]])));
	$('detail').replaceChildren(...parts);
}

/* The viewer. One view for all its panes: scale (CSS pixels per pixel) and the place of the pictures' top left. */

const STEPS = [1 / 16, 1 / 8, 1 / 4, 1 / 2, 1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64];
const LENS = 11; // pixels across a magnifier, odd
let flipped = false; // whether Flip shows the actual picture; stays from frame to frame
function inside(picture, x, y) { return picture && x >= 0 && y >= 0 && x < picture.width && y < picture.height; }
function sample(picture, x, y) {
	return inside(picture, x, y) ? [...picture.data.subarray((y * picture.width + x) * 4, (y * picture.width + x) * 4 + 4)] : null;
}
const hex = values => `#${values.slice(0, values[3] === 255 ? 3 : 4).map(value => value.toString(16).padStart(2, '0')).join('')}`;
const MAGMA = ['000004', '140e36', '3b0f70', '641a80', '8c2981', 'b73779', 'de4968', 'f7705c', 'fe9f6d', 'fecf92', 'fcfdbf']
	.map(text => [0, 2, 4].map(at => parseInt(text.slice(at, at + 2), 16)));
/* Which error a colour of the FLIP map stands for, to about a hundredth. */
function magmaValue(colour) {
	let best = 0, least = Infinity;
	for (let i = 0; i <= 200; i++) {
		const at = Math.min(9, Math.floor(i / 20)), part = i / 20 - at;
		const away = MAGMA[at].reduce((sum, low, c) => sum + (low + (MAGMA[at + 1][c] - low) * part - colour[c]) ** 2, 0);
		if (away < least) { [best, least] = [i / 200, away]; }
	}
	return best;
}

function makeViewer(test, frame) {
	const pictures = {}; // by slot, once decoded
	const view = { scale: 1, x: 0, y: 0, fit: true };
	let probe = null, held = false, split = 0.5, peek = 0, panes = [], gone = false;
	const known = slot => has(frame, slot) ? sizes[frame.pictures[slot]] : null;
	const extent = ['golden', 'actual', 'difference'].map(known).filter(Boolean)
		.reduce((most, { width, height }) => ({ width: Math.max(most.width, width), height: Math.max(most.height, height) }), { width: 0, height: 0 });
	const both = has(frame, 'golden') && has(frame, 'actual');
	const usable = mode => mode === 'side' || (mode === 'slider' || mode === 'flip' ? both : has(frame, mode === 'difference' ? 'difference' : 'flip'));
	const mode = () => usable(state.mode) ? state.mode : 'side';
	const whyNot = slot => typeof frame.pictures[slot] === 'string' ? frame.pictures[slot] : 'There is no such picture.';

	const stage = make('div', { class: 'stage' });
	const under = make('div', {});
	const percent = make('output', { 'aria-label': 'Zoom' });
	const modes = MODES.map(([name, word, short], i) => button(short ? [make('span', { class: 'long' }, word), make('span', { class: 'short' }, short)] : [word], () => {
		if (name === 'flip' && mode() === 'flip') { flip(); } else { go({ mode: name }, true); }
	}, { class: '', 'data-mode': name, disabled: !usable(name), 'aria-label': word, title: usable(name) ? `${word} (${i + 1})` : whyNot(name === 'difference' ? 'difference' : name === 'flip-map' ? 'flip' : 'actual') }));
	const tools = make('div', { class: 'tools' }, make('div', { class: 'segments', role: 'group', 'aria-label': 'View' }, modes),
		make('div', { class: 'zoom' }, button('−', () => zoomStep(-1), { class: 'button small', 'aria-label': 'Zoom out', title: 'Zoom out (-)' }), percent,
			button('+', () => zoomStep(1), { class: 'button small', 'aria-label': 'Zoom in', title: 'Zoom in (+)' }),
			button('Fit', fitView, { class: 'button small', title: 'Fit (0)' }),
			button('1:1', () => zoomTo(1), { class: 'button small', title: 'A pixel of the picture for one of the page' })));

	/* The magnifier */

	const glasses = ['golden', 'actual', 'difference'].filter(slot => has(frame, slot)).map(slot => {
		const canvas = make('canvas', { width: LENS * 10, height: LENS * 10, 'aria-hidden': 'true' });
		return { slot, canvas, element: make('figure', {}, canvas, make('figcaption', {}, slot)) };
	});
	const cells = {};
	const row = (slot, name) => make('tr', {}, make('th', { scope: 'row' }, name), cells[slot] = ['R', 'G', 'B', 'A', 'hex'].map(channel => make('td', { class: channel === 'hex' ? 'hex' : '', 'data-value': `${slot}-${channel}` })));
	const rows = [row('golden', 'Golden')];
	if (has(frame, 'actual')) { rows.push(row('actual', 'Actual'), row('away', 'Difference')); }
	const field = (name, most) => {
		const input = make('input', { type: 'number', min: 0, max: most - 1, step: 1, 'data-probe': name, inputmode: 'numeric' });
		input.addEventListener('input', () => {
			const at = Math.min(most - 1, Math.max(0, Math.round(Number(input.value)) || 0));
			held = true;
			setProbe({ ...(probe || { x: 0, y: 0 }), [name]: at }, input);
		});
		return input;
	};
	const fields = { x: field('x', extent.width), y: field('y', extent.height) };
	const hold = button('Hold', () => { held = !held; showProbe(); }, { class: 'button small', title: 'Hold the magnifier where it is (click on the picture)' });
	const loupe = make('div', { class: 'loupe', role: 'group', 'aria-label': 'Magnifier' }, make('div', { class: 'glasses' }, glasses.map(({ element }) => element)),
		make('div', {}, make('div', { class: 'where' }, make('label', {}, 'x', fields.x), make('label', {}, 'y', fields.y),
			hold, both && button('Worst pixel', worst, { class: 'button small', title: 'The first pixel that differs most (w)' })),
		make('table', { class: 'values' }, make('thead', {}, make('tr', {}, make('td'), ['R', 'G', 'B', 'A'].map(channel => make('th', { scope: 'col' }, channel)), make('td'))), make('tbody', {}, rows))));
	if (!extent.width) { loupe.hidden = true; tools.hidden = true; }
	const element = make('section', { class: 'panel viewer', 'aria-label': `Pictures of frame ${frame.number}` }, tools, stage, under, loupe);

	function drawGlass({ slot, canvas }) {
		const context = canvas.getContext('2d'), picture = pictures[slot], half = (LENS - 1) / 2;
		context.setTransform(1, 0, 0, 1, 0, 0);
		context.clearRect(0, 0, canvas.width, canvas.height);
		if (!picture || !probe) { return; }
		context.imageSmoothingEnabled = false;
		context.setTransform(10, 0, 0, 10, 10 * (half - probe.x), 10 * (half - probe.y));
		context.drawImage(picture.canvas, 0, 0);
		context.setTransform(1, 0, 0, 1, 0, 0);
		for (const [colour, inset] of [['#000', 0.5], ['#fff', -0.5]]) {
			context.strokeStyle = colour;
			context.strokeRect(half * 10 - inset, half * 10 - inset, 9 + 2 * inset + 1, 9 + 2 * inset + 1);
		}
	}
	function fillRow(slot, values) {
		cells[slot].forEach((cell, i) => {
			if (i < 4) { cell.textContent = values ? String(values[i]) : '–'; return; }
			if (!values) { cell.textContent = 'outside'; return; }
			const swatch = make('span', { class: 'swatch' });
			swatch.style.backgroundColor = `rgba(${values[0]}, ${values[1]}, ${values[2]}, ${values[3] / 255})`;
			cell.replaceChildren(swatch, hex(values));
		});
	}
	function showValues() {
		if (!probe) { return ''; }
		const golden = sample(pictures.golden, probe.x, probe.y), actual = sample(pictures.actual, probe.x, probe.y);
		fillRow('golden', golden);
		if (!cells.actual) { return `golden ${golden}`; }
		fillRow('actual', actual);
		const away = golden && actual ? golden.map((value, i) => actual[i] - value) : null;
		cells.away.forEach((cell, i) => {
			if (i === 4) {
				const error = mode() === 'flip-map' ? sample(pictures.flip, probe.x, probe.y) : null;
				cell.textContent = error ? `FLIP ≈ ${magmaValue(error).toFixed(2)}` : away ? `max ${Math.max(...away.map(Math.abs))}` : '';
				return;
			}
			cell.textContent = away ? away[i] > 0 ? `+${away[i]}` : String(away[i]).replace('-', '−') : '–';
			cell.classList.toggle('off', Boolean(away && away[i]));
		});
		return `x ${probe.x}, y ${probe.y}: golden ${golden}, actual ${actual}, difference ${away}`;
	}
	function placeCross(pane) {
		const [across, down, box] = pane.cross.children;
		pane.cross.hidden = !probe;
		if (!probe) { return; }
		const x = view.x + probe.x * view.scale, y = view.y + probe.y * view.scale, size = Math.max(view.scale, 5), inset = (view.scale - size) / 2;
		across.style.transform = `translateY(${y + view.scale / 2}px)`;
		down.style.transform = `translateX(${x + view.scale / 2}px)`;
		box.style.transform = `translate(${x + inset}px, ${y + inset}px)`;
		box.style.width = box.style.height = `${size}px`;
	}
	function showProbe(except) {
		panes.forEach(placeCross);
		glasses.forEach(drawGlass);
		element.classList.toggle('held', held);
		hold.setAttribute('aria-pressed', held);
		for (const name of ['x', 'y']) { if (fields[name] !== except && probe) { fields[name].value = probe[name]; } }
		return showValues();
	}
	function setProbe(place, except) {
		probe = { x: Math.min(extent.width - 1, Math.max(0, place.x)), y: Math.min(extent.height - 1, Math.max(0, place.y)) };
		return showProbe(except);
	}
	/* The largest difference of a channel; in a frame without one, the middle. */
	function worstPixel() {
		const { golden, actual } = pictures, middle = { x: extent.width >> 1, y: extent.height >> 1 };
		if (!golden || !actual || golden.width !== actual.width || golden === actual) { return middle; }
		let most = 0, at = -1;
		const count = Math.min(golden.data.length, actual.data.length);
		for (let i = 0; i < count; i++) {
			const away = Math.abs(golden.data[i] - actual.data[i]);
			if (away > most) { [most, at] = [away, i >> 2]; }
		}
		return at < 0 ? middle : { x: at % golden.width, y: Math.floor(at / golden.width) };
	}
	function reveal() { // keeps the probe in sight
		const pane = panes[0];
		if (!pane || !probe) { return; }
		const x = view.x + (probe.x + 0.5) * view.scale, y = view.y + (probe.y + 0.5) * view.scale;
		if (x < 0 || x > pane.width) { view.x += pane.width / 2 - x; }
		if (y < 0 || y > pane.height) { view.y += pane.height / 2 - y; }
		redraw();
	}
	function worst() {
		held = true;
		say(setProbe(worstPixel()));
		reveal();
	}

	/* The panes */

	function fitScale(pane, most) {
		const scale = Math.min(pane.width / extent.width, most / extent.height);
		return scale < 1 ? scale : Math.min(8, Math.floor(scale));
	}
	function clampView() {
		const { width, height } = panes[0];
		const clamp = (at, room, size) => size <= room ? (room - size) / 2 : Math.min(0, Math.max(room - size, at));
		view.x = clamp(view.x, width, extent.width * view.scale);
		view.y = clamp(view.y, height, extent.height * view.scale);
	}
	function layout() {
		if (!panes.length || !extent.width) { return; }
		const most = Math.max(220, innerHeight - 340), width = panes[0].surface.clientWidth;
		if (!width) { return; }
		const fit = fitScale({ width }, most);
		const height = Math.round(Math.max(Math.min(160, most), Math.min(most, extent.height * fit)));
		for (const pane of panes) {
			pane.surface.style.height = `${height}px`;
			pane.width = width;
			pane.height = height;
			if (pane.canvas) {
				pane.canvas.width = Math.round(width * devicePixelRatio);
				pane.canvas.height = Math.round(height * devicePixelRatio);
			}
		}
		if (view.fit) { view.scale = fit; }
		redraw();
	}
	function redraw() {
		if (!panes.length || !extent.width || gone) { return; }
		clampView();
		panes.forEach(drawPane);
		percent.textContent = `${Math.round(view.scale * 100)} %`;
		const zoomed = extent.width * view.scale > panes[0].width + 1 || extent.height * view.scale > panes[0].height + 1;
		panes.forEach(({ surface }) => surface.classList.toggle('zoomed', zoomed));
		showProbe();
	}
	function drawPane(pane) {
		if (!pane.canvas) { return; }
		const context = pane.canvas.getContext('2d'), ratio = devicePixelRatio, scale = view.scale * ratio;
		context.setTransform(1, 0, 0, 1, 0, 0);
		context.clearRect(0, 0, pane.canvas.width, pane.canvas.height);
		context.imageSmoothingEnabled = scale < 1;
		context.imageSmoothingQuality = 'high';
		context.setTransform(scale, 0, 0, scale, Math.round(view.x * ratio), Math.round(view.y * ratio));
		const slot = pane.slot === 'both' ? 'golden' : pane.slot === 'either' ? flipped !== Boolean(peek) ? 'actual' : 'golden' : pane.slot;
		if (pictures[slot]) { context.drawImage(pictures[slot].canvas, 0, 0); }
		if (pane.slot === 'both') {
			const edge = split * extent.width;
			if (pictures.actual) {
				context.save();
				context.beginPath();
				context.rect(edge, 0, extent.width - edge, extent.height);
				context.clip();
				context.clearRect(edge, 0, extent.width - edge, extent.height);
				context.drawImage(pictures.actual.canvas, 0, 0);
				context.restore();
			}
			pane.divider.style.transform = `translateX(${view.x + edge * view.scale}px)`;
		}
		if (pane.slot === 'either') {
			pane.caption.firstChild.textContent = slot === 'golden' ? 'Golden' : 'Actual';
			pane.element.classList.toggle('at-actual', slot === 'actual');
			pane.element.dataset.shows = slot;
		}
	}
	function flip() {
		flipped = !flipped;
		say(flipped ? 'actual' : 'golden');
		redraw();
	}
	const slide = value => {
		split = Math.min(1, Math.max(0, value));
		range.value = Math.round(split * 1000) / 10;
		redraw();
	};
	const range = make('input', { type: 'range', min: 0, max: 100, step: 0.5, value: 50, 'aria-label': 'Slider: how much of the golden is shown, in percent' });
	range.addEventListener('input', () => { split = range.value / 100; redraw(); });

	function makePane(slot, name, about) {
		const shown = slot === 'both' || slot === 'either' || has(frame, slot);
		const caption = make('figcaption', {}, make('span', {}, name), about && make('span', { class: 'dim' }, about));
		const pane = { slot, caption, cross: make('div', { class: 'cross', hidden: true }, make('i', { class: 'across' }), make('i', { class: 'down' }), make('i', { class: 'box' })) };
		pane.surface = make('div', { class: 'surface', 'data-slot': slot });
		if (shown) {
			pane.canvas = make('canvas', { role: 'img', 'aria-label': `${name} of frame ${frame.number}, ${extent.width} by ${extent.height} pixels` });
			pane.surface.append(pane.canvas, pane.cross);
			if (slot === 'both') {
				pane.divider = make('div', { class: 'divider', 'aria-hidden': 'true' });
				pane.surface.append(pane.divider);
			}
			pane.surface.tabIndex = 0;
			pane.surface.setAttribute('role', 'group');
			pane.surface.setAttribute('aria-label', `${name}: arrow keys move the magnifier`);
			listen(pane);
		} else {
			pane.surface.append(make('p', { class: 'missing' }, whyNot(slot)));
		}
		pane.element = make('figure', { class: 'pane' }, caption, pane.surface);
		return pane;
	}
	const sizeText = slot => { const size = known(slot); return size ? `${size.width}×${size.height}` : ''; };
	function showMode() {
		const now = mode();
		const made = { side: () => [makePane('golden', 'Golden', sizeText('golden')), makePane('actual', 'Actual', sizeText('actual')), makePane('difference', 'Difference')],
			slider: () => [makePane('both', 'Golden | actual', 'drag, or ← →')], flip: () => [makePane('either', 'Golden', 'f, space or a click on Flip changes')],
			difference: () => [makePane('difference', 'Difference', 'brighter where the channels are further apart')],
			'flip-map': () => [makePane('flip', 'FLIP error map')] }[now]();
		panes = made;
		if (!extent.width) { panes.forEach(pane => { pane.surface.style.height = '120px'; }); }
		stage.replaceChildren(...panes.map(({ element: figure }) => figure));
		for (const one of modes) { one.setAttribute('aria-pressed', one.dataset.mode === now); }
		under.replaceChildren(...now === 'slider' ? [make('div', { class: 'slide' }, 'Golden', range, 'Actual')] : now === 'flip-map' ? [make('div', { class: 'legend' },
			'0', make('span', { class: 'ramp', role: 'img', 'aria-label': 'from black, 0, through violet and orange to light yellow, 1' }), '1',
			make('span', { class: 'dim' }, `what is noticed when flipping between the two at 67 pixels per degree · mean ${frame.pictures.flip_mean.toFixed(4)}`))] : []);
		layout();
	}

	/* Zoom and pointer */

	function zoomTo(scale, at) {
		const pane = panes[0], middle = at || (probe && held ? { x: view.x + (probe.x + 0.5) * view.scale, y: view.y + (probe.y + 0.5) * view.scale } : { x: pane.width / 2, y: pane.height / 2 });
		const next = Math.min(64, Math.max(Math.min(1 / 16, view.scale), scale));
		view.x = middle.x - (middle.x - view.x) * next / view.scale;
		view.y = middle.y - (middle.y - view.y) * next / view.scale;
		view.scale = next;
		view.fit = false;
		redraw();
	}
	function zoomStep(direction, at) {
		const next = direction > 0 ? STEPS.find(step => step > view.scale * 1.01) : STEPS.findLast(step => step < view.scale * 0.99);
		if (next) { zoomTo(next, at); }
	}
	function fitView() {
		view.fit = true;
		layout();
	}
	function listen(pane) {
		const { surface } = pane, pointers = new Map();
		let drag = null;
		const place = event => { const box = surface.getBoundingClientRect(); return { x: event.clientX - box.left, y: event.clientY - box.top }; };
		const pixel = at => ({ x: Math.floor((at.x - view.x) / view.scale), y: Math.floor((at.y - view.y) / view.scale) });
		const slides = at => pane.slot === 'both' && (!surface.classList.contains('zoomed') || Math.abs(at.x - (view.x + split * extent.width * view.scale)) < 24);
		surface.addEventListener('pointerdown', event => {
			if (event.button) { return; }
			const at = place(event);
			pointers.set(event.pointerId, at);
			drag = { at, kind: slides(at) ? 'slide' : 'move', moved: false, x: view.x, y: view.y, scale: view.scale, apart: 0 };
			surface.setPointerCapture(event.pointerId);
		});
		surface.addEventListener('pointermove', event => {
			const at = place(event);
			if (pointers.has(event.pointerId)) { pointers.set(event.pointerId, at); }
			if (drag && pointers.size === 2) { // pinch
				const [a, b] = [...pointers.values()], apart = Math.hypot(a.x - b.x, a.y - b.y), middle = { x: (a.x + b.x) / 2, y: (a.y + b.y) / 2 };
				drag.moved = true;
				if (drag.apart) { zoomTo(view.scale * apart / drag.apart, middle); }
				drag.apart = apart;
				return;
			}
			if (drag && !drag.moved && Math.hypot(at.x - drag.at.x, at.y - drag.at.y) > 4) { drag.moved = true; }
			if (drag && drag.moved && drag.kind === 'slide') { slide((at.x - view.x) / (extent.width * view.scale)); return; }
			if (drag && drag.moved && surface.classList.contains('zoomed')) {
				surface.classList.add('moving');
				view.x = drag.x + at.x - drag.at.x;
				view.y = drag.y + at.y - drag.at.y;
				redraw();
				return;
			}
			if (!held) { setProbe(pixel(at)); }
		});
		const end = event => {
			pointers.delete(event.pointerId);
			surface.classList.remove('moving');
			if (drag && !drag.moved && event.type === 'pointerup') {
				const at = pixel(place(event)), same = probe && at.x === probe.x && at.y === probe.y;
				held = event.pointerType === 'touch' ? true : !held || !same && held && false;
				setProbe(at);
			}
			if (!pointers.size) { drag = null; }
		};
		surface.addEventListener('pointerup', end);
		surface.addEventListener('pointercancel', end);
		surface.addEventListener('wheel', event => {
			if (event.ctrlKey || event.metaKey) {
				event.preventDefault();
				if (event.deltaY) { zoomTo(view.scale * 2 ** (-event.deltaY / (event.deltaMode ? 6 : 200)), place(event)); }
			}
		}, { passive: false });
		surface.addEventListener('dblclick', event => zoomStep(1, place(event)));
	}
	const resized = new ResizeObserver(layout);
	resized.observe(stage);

	/* Keys; true where it was one of the viewer's. `focus` is on the picture, or nowhere that matters. */
	const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
	function key(event) {
		const step = event.shiftKey ? 10 : 1, arrow = ARROWS[event.key];
		if (event.key >= '1' && event.key <= '5') {
			const [name] = MODES[event.key - 1];
			if (usable(name)) { go({ mode: name }, true); } else { say('There is no such picture'); }
		} else if ((event.key === 'f' || event.key === ' ') && both) {
			if (event.repeat) { return true; }
			if (mode() !== 'flip') { go({ mode: 'flip' }, true); } else { peek = performance.now(); redraw(); }
		} else if (arrow && mode() === 'slider' && arrow[0]) {
			slide(split + arrow[0] * step / 100);
		} else if (arrow && extent.width && element.contains(document.activeElement)) {
			held = true;
			say(setProbe(probe ? { x: probe.x + arrow[0] * step, y: probe.y + arrow[1] * step } : worstPixel()));
			reveal();
		} else if (event.key === 'w' && both) { worst(); }
		else if (event.key === '+' || event.key === '=') { zoomStep(1); }
		else if (event.key === '-') { zoomStep(-1); }
		else if (event.key === '0') { fitView(); }
		else { return false; }
		return true;
	}
	/* A short press has flipped; after a long one it is again as before. */
	function keyUp(event) {
		if ((event.key === 'f' || event.key === ' ') && peek) {
			const short = performance.now() - peek < 350;
			peek = 0;
			if (short) { flip(); } else { redraw(); }
		}
	}
	(async () => {
		await Promise.all(['golden', 'actual', 'difference', 'flip'].filter(slot => has(frame, slot)).map(async slot => {
			pictures[slot] = await pictureOf(frame.pictures[slot]);
			redraw();
		}));
		if (!gone) {
			setProbe(probe || worstPixel());
			element.dataset.ready = 'true';
		}
	})();
	return { element, showMode, key, keyUp, blur: () => { if (peek) { peek = 0; redraw(); } }, close: () => { gone = true; resized.disconnect(); } };
}

/* All of it */

function show() {
	const unknown = readHash();
	const frame = state.test ? (state.frame !== null ? frameOf(state.test, state.frame) : firstFrame(state.test)) : null;
	document.body.dataset.view = state.test ? 'detail' : 'overview';
	$('overview').hidden = Boolean(state.test);
	$('detail').hidden = !state.test;
	document.title = `${state.test ? `${state.test.name}${frame ? ` frame ${frame.number}` : ''}: ${wordOf(state.test.verdict)}` : headline()} – ${run.suite || 'vgt test'}`;
	showList();
	if (state.test !== shownTest || frame !== shownFrame) {
		const sameTest = state.test === shownTest;
		if (viewer) { viewer.close(); }
		viewer = null;
		[shownTest, shownFrame] = [state.test, frame];
		if (state.test) { makeDetail(state.test, frame); }
		if (!sameTest) {
			$('main').scrollTo(0, 0);
			if (matchMedia('(max-width: 860px)').matches) { scrollTo(0, 0); }
		}
	} else if (state.test) {
		$('detail').querySelector('.crumbs').replaceWith(crumbs(state.test));
	}
	if (state.test) {
		$('detail').querySelectorAll('.frame').forEach((link, i) => { link.href = hashOf({ frame: state.test.frames[i].number }); });
	}
	if (viewer) { viewer.showMode(); }
	if (unknown) { say(`There is no test ${unknown}`); }
}
function stepTest(by) {
	const order = shownTests(), at = order.indexOf(state.test);
	const next = at < 0 ? order[by > 0 ? 0 : order.length - 1] : order[at + by];
	if (next) { go({ test: next, frame: null }); }
}
function stepFrame(by) {
	if (!state.test || !shownFrame) { return; }
	const next = state.test.frames[state.test.frames.indexOf(shownFrame) + by];
	if (next) { go({ frame: next.number }); }
}

const dark = matchMedia('(prefers-color-scheme: dark)');
const stored = { get: () => { try { return localStorage.getItem('vgt-theme'); } catch { return null; } },
	set: value => { try { localStorage.setItem('vgt-theme', value); } catch { /* for this page only */ } } };
let chosen = stored.get();
function showTheme() {
	const theme = chosen === 'dark' || chosen === 'light' ? chosen : dark.matches ? 'dark' : 'light';
	document.documentElement.dataset.theme = theme;
	$('theme').textContent = theme === 'dark' ? 'Light' : 'Dark';
}
function changeTheme() {
	chosen = document.documentElement.dataset.theme === 'dark' ? 'light' : 'dark';
	stored.set(chosen);
	showTheme();
}

document.addEventListener('keydown', event => {
	const { target } = event, writes = target.matches('input:not([type=range]), select, textarea');
	if (event.ctrlKey || event.metaKey || event.altKey || $('help').open) { return; }
	if (event.key === 'Escape') {
		if (writes) { target.blur(); } else if (state.test) { go({ test: null, frame: null }); }
		return;
	}
	if (writes || (event.key === ' ' && target.matches('button, a, summary')) || (target.matches('[type=range]') && event.key.startsWith('Arrow'))) { return; }
	const keys = { j: () => stepTest(1), k: () => stepTest(-1), n: () => stepFrame(1), p: () => stepFrame(-1), t: changeTheme,
		'/': () => $('text').focus(), '?': () => $('help').showModal() };
	if (Object.hasOwn(keys, event.key)) { keys[event.key](); } else if (!viewer || !viewer.key(event)) { return; }
	event.preventDefault();
});
document.addEventListener('keyup', event => { if (viewer) { viewer.keyUp(event); } });
addEventListener('blur', () => { if (viewer) { viewer.blur(); } });
addEventListener('hashchange', show);
addEventListener('popstate', show);
dark.addEventListener('change', showTheme);
$('theme').addEventListener('click', changeTheme);
$('keys').addEventListener('click', () => $('help').showModal());
$('help').addEventListener('click', event => { if (event.target === $('help')) { $('help').close(); } });
document.querySelector('.skip').addEventListener('click', event => { event.preventDefault(); $('main').focus(); });

showTheme();
makeList();
makeOverview();
show();
})();
