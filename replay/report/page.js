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
const RANKS = Object.fromEntries(VERDICTS.map(([name], rank) => [name, rank]));
const wordOf = ({ verdict }) => VERDICTS[RANKS[verdict]][1];
const { tests } = data;
/* Where the renderer crashed or hung: "" where it is not known, undefined where it did not. */
const placeOf = ({ verdict, reasons }) => verdict === 'crash' || verdict === 'hang' ? (/@\d+(\.\d+)?/.exec(reasons[0]) || [''])[0] : undefined;
tests.sort((a, b) => RANKS[a.verdict] - RANKS[b.verdict] || a.position - b.position);
/* What is wrong with frames, which is what a person looks for, before answers and the rest. */
for (const test of tests) {
	const ofFrame = reason => /^frame \d+/.test(reason);
	if (placeOf(test) === undefined && ['fail', 'error'].includes(test.verdict)) {
		test.reasons = [...test.reasons.filter(ofFrame), ...test.reasons.filter(reason => !ofFrame(reason))];
	}
}
const bad = tests.filter(({ verdict }) => RANKS[verdict] <= RANKS.error);

/* Elements */

const there = value => value !== undefined && value !== null && value !== false && value !== '';
/* make('div.class', {attributes}, children...): attributes may be left out, and what is not there is. */
function make(kind, ...children) {
	const [tag, ...classes] = kind.split('.'), element = document.createElement(tag);
	for (const [name, value] of Object.entries(children[0]?.constructor === Object ? children.shift() : {})) {
		if (name === 'onclick') { element.addEventListener('click', value); }
		else if (there(value) || value === '') { element.setAttribute(name, value); }
	}
	if (classes.length) { element.classList.add(...classes); }
	element.append(...children.flat().filter(there));
	return element;
}
function icon(verdict) {
	const [svg, path] = ['svg', 'path'].map(tag => document.createElementNS('http://www.w3.org/2000/svg', tag));
	svg.setAttribute('class', 'icon');
	svg.setAttribute('viewBox', '0 0 16 16');
	svg.setAttribute('aria-hidden', 'true');
	path.setAttribute('d', VERDICTS[RANKS[verdict]][2]);
	svg.append(path);
	return svg;
}
const button = (label, onclick, attributes) => make('button.button', { type: 'button', onclick, ...attributes }, label);
const plural = (count, word) => `${count} ${word}${count === 1 ? '' : 's'}`;
const seconds = value => value >= 100 ? `${Math.round(value)} s` : `${value.toFixed(value >= 10 ? 1 : 2)} s`;
const say = text => { $('live').textContent = text; };

async function copy(text, from) {
	try {
		await navigator.clipboard.writeText(text);
	} catch {
		const area = make('textarea.unseen');
		area.value = text;
		document.body.append(area);
		area.select();
		document.execCommand('copy');
		area.remove();
	}
	const before = from.dataset.label ||= from.textContent;
	from.textContent = 'Copied';
	say(`Copied: ${text}`);
	setTimeout(() => { from.textContent = before; }, 1400);
}
const copier = (text, word = 'Copy') => button(word, event => copy(text, event.currentTarget), { title: text });
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
/* The samples as the file has them: a canvas would multiply by alpha, and back, and lose some. vgt has written the
 * file, 8-bit RGB or RGBA, not interlaced, each row as it is (filter 0) or as the difference from the one above (2). */
async function readPng(blob) {
	const file = new DataView(await blob.arrayBuffer()), parts = [];
	const width = file.getUint32(16), height = file.getUint32(20), channels = file.getUint8(25) === 6 ? 4 : 3;
	for (let at = 8; at < file.byteLength; at += file.getUint32(at) + 12) {
		if (file.getUint32(at + 4) === 0x49444154) { parts.push(new Uint8Array(file.buffer, at + 8, file.getUint32(at))); } // IDAT
	}
	const raw = new Uint8Array(await new Response(new Blob(parts).stream().pipeThrough(new DecompressionStream('deflate'))).arrayBuffer());
	const data = new Uint8ClampedArray(width * height * 4).fill(255), pitch = width * channels + 1;
	for (let y = 0, to = 0; y < height; y++) {
		const row = y * pitch + 1, up = raw[row - 1] === 2 && y;
		for (let x = 0; x < width; x++, to += 4) {
			for (let i = row + x * channels, channel = 0; channel < channels; channel++, i++) {
				if (up) { raw[i] += raw[i - pitch]; }
				data[to + channel] = raw[i];
			}
		}
	}
	return new ImageData(data, width, height);
}
function pictureOf(id) {
	if (!decoded.has(id)) {
		decoded.set(id, (async () => {
			const image = await readPng(await blobOf(id)), { width, height } = image, canvas = make('canvas', { width, height });
			canvas.getContext('2d').putImageData(image, 0, 0);
			return { width, height, data: image.data, canvas };
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
	const images = wanted.filter(slot => frame && has(frame, slot)).map(slot => make('img', { 'data-picture': frame.pictures[slot], 'data-slot': slot }));
	images.forEach(image => seen.observe(image));
	return make('span.thumbs', { class: kind, 'data-verdict': verdict, 'aria-hidden': 'true' }, !images.length ? icon(verdict)
		: kind === 'labelled' ? images.map(image => make('span.shot', image, make('small', image.dataset.slot))) : images);
}
const frameOf = (test, number) => test.frames.find(frame => frame.number === number);
const firstFrame = test => test.frames.find(frame => !frame.same) || test.frames[0];

/* The place in the page: #NAME/frame-10?verdict=fail,crash&text=...&tag=...&view=flip */

const MODES = [ // [name, word, the same where there is little room, what it needs]
	['side', 'Side by side', 'Side'], ['slider', 'Slider', 'Slider', 'actual'], ['flip', 'Flip', 'Flip', 'actual'],
	['difference', 'Difference', 'Diff', 'difference'], ['flip-map', 'FLIP map', 'FLIP', 'flip']];
const ANY = { verdicts: new Set(), text: '', tag: '' };
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
function readHash() {
	const [, path, number, query] = /^#?([^?/]*)(?:\/frame-(\d+))?[^?]*\??(.*)$/s.exec(location.hash);
	const values = new URLSearchParams(query);
	state.test = tests.find(({ name }) => encodeURIComponent(name) === path || name === path) || null;
	state.frame = number && state.test && frameOf(state.test, Number(number)) ? Number(number) : null;
	state.verdicts = new Set((values.get('verdict') || '').split(',').filter(verdict => Object.hasOwn(RANKS, verdict)));
	state.text = values.get('text') || '';
	state.tag = values.get('tag') || '';
	state.mode = MODES.some(([mode]) => mode === values.get('view')) ? values.get('view') : 'side';
	return path && !state.test ? path : null;
}
function go(place, quietly) {
	const hash = hashOf(place);
	if (hash === (location.hash || '#')) { return; }
	history[quietly ? 'replaceState' : 'pushState'](null, '', hash);
	show();
}

/* The list */

const textOf = new Map(tests.map(test => [test, [test.name, wordOf(test), test.expected, test.shows, ...test.reasons, ...test.tags].join('\n').toLowerCase()]));
const matches = test => (!state.verdicts.size || state.verdicts.has(test.verdict)) && (!state.tag || test.tags.includes(state.tag)) &&
	state.text.toLowerCase().split(/\s+/).every(word => textOf.get(test).includes(word));
const items = new Map();
function whyOf(test) {
	if (test.reasons.length) { return test.reasons[0]; }
	return test.frames.length ? plural(test.frames.length, 'frame') : `no goldens, ${plural(test.played, 'frame')} played`;
}
function makeItem(test) {
	const link = make('a.test', { 'data-verdict': test.verdict }, thumbs(firstFrame(test), test.verdict, ['golden'], 'cover'),
		make('div', make('div.name', icon(test.verdict), make('span', test.name)),
			make('div.why', { title: test.reasons[0] }, make('span.unseen', `${wordOf(test)}: `), whyOf(test))));
	const item = make('li', link);
	items.set(test, { item, link });
	return item;
}
/* It was not run, or differs where the host lacks something: nobody has said that this is to be so. */
const unjudged = tests.filter(({ verdict, expected }) => verdict === 'skip' && !expected);
const expected = tests.filter(test => ['flaky', 'known', 'skip'].includes(test.verdict) && !unjudged.includes(test));
const differing = unjudged.filter(({ lacks }) => lacks);
const groups = [['To look at', bad], ['Not judged', unjudged], ['Expected', expected], ['Passed', tests.filter(({ verdict }) => verdict === 'pass')]]
	.map(([name, members]) => ({ name, members, head: make('li.group') }));
const counts = VERDICTS.map(([verdict]) => [verdict, tests.filter(test => test.verdict === verdict).length]).filter(([, count]) => count);
const chips = new Map();

function makeList() {
	for (const group of groups) {
		$('tests').append(group.head, ...group.members.map(makeItem));
	}
	for (const [verdict, count] of counts) {
		const chip = make('button.chip', { type: 'button', 'data-verdict': verdict, onclick: () => {
			const verdicts = new Set(state.verdicts);
			if (!verdicts.delete(verdict)) { verdicts.add(verdict); }
			go({ verdicts }, true);
		} }, icon(verdict), `${count} ${VERDICTS[RANKS[verdict]][1]}`);
		chips.set(verdict, chip);
		$('verdicts').append(chip);
		const part = make('i', { 'data-verdict': verdict, title: `${count} ${VERDICTS[RANKS[verdict]][1]}` });
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
	$('filters').addEventListener('submit', event => { event.preventDefault(); state.test = null; stepTest(1); });
	$('tally').textContent = tests.length ? `${groups[3].members.length} of ${tests.length} passed` : '';
	$('suite').textContent = run.suite || 'vgt test';
}
const shownTests = () => groups.flatMap(group => group.members).filter(matches);
function showList() {
	const shown = new Set(shownTests());
	for (const [test, { item, link }] of items) {
		item.hidden = !shown.has(test);
		link.href = hashOf({ test, frame: null });
		link.setAttribute('aria-current', test === state.test);
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
		...filtered ? [button('Show all', () => go(ANY, true))] : []);
	if (state.test) { items.get(state.test).link.scrollIntoView({ block: 'nearest' }); }
}

/* The overview */

function facts(rows) {
	return make('dl.panel.facts', rows.filter(([, value]) => there(value))
		.map(([name, value]) => make('div', make('dt', name), make('dd', value))));
}
/* What is the same of all runs once, else each with the runs that it is of. */
function ofRuns(get) {
	const values = new Map();
	runs.forEach((one, i) => { const value = get(one) || ''; values.set(value, [...values.get(value) || [], i + 1]); });
	return values.size < 2 ? [...values.keys()][0] : [...values].map(([value, of]) => `${value || 'not known'} (run ${of.join(', ')})`).join('\n');
}
function card(test) {
	const frame = firstFrame(test);
	return make('a.card', { 'data-verdict': test.verdict, href: hashOf({ test, frame: null }) },
		thumbs(frame, test.verdict, frame?.same ? ['golden'] : ['golden', 'actual', 'difference'], frame && !frame.same && 'labelled'),
		make('div.text', make('div.name', icon(test.verdict), make('span', test.name),
			make('span.dim', frame && !frame.same ? plural(test.frames.filter(other => !other.same).length, 'frame') : wordOf(test))),
			make('div.why', whyOf(test))));
}
function headline() {
	if (!tests.length) { return 'No tests were run'; }
	const left = expected.length, open = unjudged.length;
	return bad.length ? `${bad.length} of ${plural(tests.length, 'test')} to look at` : left === tests.length ? 'Nothing unexpected'
		: left || open ? [`${tests.length - left - open} passed`, left && `${left} as expected`, open && `${open} not judged`].filter(Boolean).join(', ')
		: tests.length === 1 ? 'The test passed' : `All ${tests.length} tests passed`;
}
function notes() {
	const missing = runs.reduce((sum, one) => sum + one.tests, -tests.length), told = [];
	if (runs.some(one => one.interrupted)) { told.push('The run was interrupted: not all tests were run.'); }
	for (const what of new Set(runs.map(({ drop }) => drop).filter(Boolean))) {
		told.push(`Run with --drop=${what}: the renderer was not given all that was recorded, so tests are meant to fail.`);
	}
	if (differing.length) { told.push(`${plural(differing.length, 'test')} not judged: frames or answers differ, on a host that has less than the recording's had.`); }
	if (missing > 0) { told.push(`${plural(missing, 'test')} without a result.`); }
	if (data.left_out) { told.push(`${plural(data.left_out, 'picture')} left out, so that this page is not too large; where they would be it says where they are.`); }
	return told;
}
function makeOverview() {
	const CARDS = 60, shown = bad.length ? bad : tests;
	const total = tests.reduce((sum, test) => sum + test.seconds, 0);
	const section = (name, kind, ...rest) => make('section.section', { class: kind }, make('h2', name), ...rest);
	$('overview').replaceChildren(
		make('div.first', make('h1.headline', headline()),
			make('p', [counts.map(([verdict, count]) => `${count} ${VERDICTS[RANKS[verdict]][1]}`).join(', '),
				total ? `${seconds(total)} of tests` : '', run.renderer].filter(Boolean).join(' · '))),
		...notes().map(note => make('p.notice.first', { 'data-verdict': 'flaky' }, note)),
		...shown.length ? [section(bad.length ? 'To look at' : 'Tests', 'cards-section', make('div.cards', shown.slice(0, CARDS).map(card)),
			shown.length > CARDS && make('p.dim', `${shown.length - CARDS} more are in the list.`))] : [],
		...bad.length && differing.length ? [section('Not judged', 'cards-section', make('div.cards', differing.slice(0, CARDS).map(card)))] : [],
		section(runs.length > 1 ? `${runs.length} runs` : 'This run', '', facts([
			['Suite', ofRuns(({ suite }) => suite)], ['Renderer', ofRuns(({ renderer }) => renderer)], ['OpenGL', ofRuns(one => one.gl_version)],
			['virglrenderer', ofRuns(({ virglrenderer }) => virglrenderer)], ['Kernel', ofRuns(({ kernel }) => kernel)], ['Processor', ofRuns(({ cpu }) => cpu)],
			['Environment', ofRuns(({ environment }) => Object.entries(environment).map(([name, value]) => `${name}=${value}`).join('\n'))],
			['vgt', ofRuns(({ vgt }) => vgt)], ['Date', ofRuns(({ date }) => isNaN(Date.parse(date)) ? date : new Date(date).toLocaleString('en-GB', { dateStyle: 'long', timeStyle: 'short', timeZone: 'UTC' }) + ' UTC')],
			['Options', ofRuns(({ drop }) => drop && `--drop=${drop}`)],
			['Shard', ofRuns(one => one.shards > 1 ? `${one.shard} of ${one.shards}` : '')],
			['Duration', ofRuns(one => seconds(one.seconds))]])));
}

/* One test */

/* Addresses on the trace become buttons that copy a command line. */
function withAddresses(text, test) {
	return text.split(/(@\d+(?:\.\d+)?)/).flatMap((part, i) => !(i % 2) ? linked(part) : test.trace ? make('button.at', { type: 'button', title: `copy: vgt dump ${test.trace} ${part}`,
		onclick: event => copy(`vgt dump ${quoted(test.trace)} ${part}`, event.currentTarget) }, part) : part);
}
const linked = text => text.split(/(https?:\/\/[^\s<>"]+)/).map((part, i) => i % 2 ? make('a', { href: part, rel: 'noreferrer noopener', target: '_blank' }, part) : part);
function code(text, kind) {
	const parts = text.replace(/\n+$/, '').split(/(@\d+(?:\.\d+)?(?= [A-Z]))/);
	return make('div.panel.code', { class: kind }, make('pre', { tabindex: 0 }, parts.map((part, i) => i % 2 ? make('b', part) : part)));
}
function section(name, about, text, ...rest) {
	return make('section.section', make('div.sectionhead', make('h2', name), about && make('span.dim', about),
		text && copier(text)), ...rest);
}
/* What to type to look at it. */
function commandLines(test, frame) {
	if (!test.trace) { return []; }
	const trace = quoted(test.trace), lines = [], rule = test.rule && test.rule !== 'auto' ? ` --frame=${test.rule}` : '';
	const { environment, drop } = runs[test.run] || {};
	/* what the renderer was given: as much of it as changes how it draws, whatever the results say */
	const given = Object.entries(environment || {}).filter(([name]) => /^(LIBGL|MESA|GALLIUM|LP|EGL|VREND|VIRGL|SOFTPIPE|ST|NIR|__GLX|__EGL)_[A-Z0-9_]+$/.test(name))
		.map(([name, value]) => `${name}=${quoted(value)} `).join('');
	const replay = `${given}vgt replay${rule}${drop === 'draws' ? ' --drop=draws' : ''}`;
	const allowed = /^(--(metric|threshold|max-pixels|max|min|ppd|antialiased|ignore) [\w.,%-]+ ?)+$/.test(test.tolerance) ? ` ${test.tolerance}` : '';
	const place = placeOf(test);
	if (place !== undefined) {
		lines.push([`${replay} --step ${trace}`, 'which virgl command it is']);
		if (place) { lines.push([`vgt dump --state ${trace} ${place}`, 'the command, and the state that it finds']); }
	}
	if (frame) {
		lines.push([`${replay} --frames ${frame.number} --out frames ${trace}`, 'the frame again']);
		if (!rule) { lines.push([`vgt dump ${trace} ${frame.number} draw`, 'what draws it']); }
		lines.push([`${replay} --window ${trace}`, 'see it move']);
		if (frame.actual && frame.golden) { lines.push([`vgt compare${allowed} ${quoted(frame.golden)} ${quoted(frame.actual)}`, 'compare again']); }
	} else if (!lines.length) {
		lines.push([`vgt verify ${trace}`, 'is the trace whole?'], [`${replay} ${trace}`, 'play it']);
	}
	return lines;
}
const path = text => text && make('span.mono', text);
let viewer = null, shownTest = null, shownFrame = null;
function crumbs(test) {
	const order = shownTests(), at = order.indexOf(test);
	const step = (label, other, key) => button(label, () => go({ test: other, frame: null }), { disabled: !other, title: `${label} (${key})` });
	return make('div.crumbs', make('a.button', { href: hashOf({ test: null, frame: null }) }, '‹ All tests'),
		make('span.number', at < 0 ? 'not in the filter' : `${at + 1} of ${order.length}`),
		step('Previous', at > 0 ? order[at - 1] : null, 'k'), step('Next', order[at + 1], 'j'));
}
function makeDetail(test, frame) {
	const many = test.more_reasons ? [make('li', `and ${test.more_reasons} more`)] : [];
	const parts = [crumbs(test), make('header',
		make('div.title', { 'data-verdict': test.verdict }, make('h1', test.name), make('span.pill', icon(test.verdict), wordOf(test)),
			make('span.dim.number', [seconds(test.seconds), test.attempts > 1 ? `${test.attempts} attempts` : '', runs.length > 1 ? `run ${test.run + 1}` : ''].filter(Boolean).join(' · ')),
			copier(location.href.replace(/#.*/, '') + hashOf({ test, frame: frame?.number, ...ANY }), 'Copy link')),
		(test.shows || test.tags.length > 0) && make('p.about', test.shows,
			make('span.tags', test.tags.map(tag => make('span', tag)))))];
	if (test.expected && !test.reasons.includes(test.expected)) { parts.push(make('p.notice', { 'data-verdict': 'known' }, linked(test.expected))); }
	if (test.reasons.length) {
		parts.push(make('ul.notice', { 'data-verdict': test.verdict, class: test.reasons.length <= 8 && 'few', tabindex: test.reasons.length > 8 && 0 }, test.reasons.map(reason => make('li', withAddresses(reason, test))), many));
	}
	if (frame) {
		if (test.frames.length > 1) {
			parts.push(make('nav.frames', { 'aria-label': 'Frames' }, test.frames.map(other => make('a.frame', { href: hashOf({ test, frame: other.number }),
				'aria-current': other === frame, 'data-verdict': other.same ? 'pass' : 'fail' },
			thumbs(other, other.same ? 'pass' : 'fail', other.same ? ['golden'] : ['golden', 'actual'], 'cover'),
			make('span.name', icon(other.same ? 'pass' : 'fail'), `Frame ${other.number}`)))));
		}
		viewer = makeViewer(test, frame);
		parts.push(viewer.element, section(`Frame ${frame.number}`, frame.same ? 'within the tolerance' : 'differs from its golden', null, facts([
			['Measured', frame.measured], ['Allowed', frame.allowed], ['Note', frame.note], ['Shown at', withAddresses(`@${frame.command}`, test)],
			['Golden', path(frame.golden)], ['Actual', path(frame.actual)], ['Difference', path(frame.difference)]])));
	} else if (!test.reasons.length) {
		parts.push(make('p.notice', `It has no goldens: ${plural(test.played, 'frame')} were played, and ${plural(test.answers, 'answer')} of the renderer compared.`));
	} else {
		parts.push(make('p.dim', 'No frame was compared.'));
	}
	if (test.commands) {
		const place = placeOf(test);
		parts.push(section('Commands', place ? `at ${place}` : place === undefined && test.bad_frame !== undefined ? `that draw frame ${test.bad_frame}` : '', test.commands, code(test.commands)));
	}
	if (test.log_end) { parts.push(section('What the renderer printed', test.log ? `its end; all of it: ${test.log}` : 'its end', test.log_end, code(test.log_end, 'wrap'))); }
	if (test.lacks) { parts.push(section('What this host lacks of what the recording\'s had', '', test.lacks, code(test.lacks, 'wrap'))); }
	const lines = commandLines(test, frame);
	if (lines.length) {
		parts.push(section('Look at it', '', null, make('ul.panel.lines', lines.map(([line, about]) => make('li', make('code', line),
			make('span.dim', about), copier(line))))));
	}
	parts.push(section('Test', '', null, facts([['Trace', path(test.trace)], ['Renderer', test.renderer], ['Frames played', test.played],
		['Answers compared', test.answers]])));
	$('detail').replaceChildren(...parts);
}

/* The viewer. One view for all its panes: zoom (CSS pixels per pixel), and where the pictures' top left is. */

const ZOOMS = [1 / 16, 1 / 8, 1 / 4, 1 / 2, 1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64];
const LENS = 11; // pixels across a magnifier, odd
const CHANNELS = ['R', 'G', 'B', 'A'];
let flipped = false; // whether Flip shows the actual picture; stays from frame to frame
const within = (value, low, high) => Math.min(high, Math.max(low, value));
function sample(picture, x, y) {
	if (!picture || x >= picture.width || y >= picture.height) { return null; }
	const at = (y * picture.width + x) * 4;
	return [...picture.data.subarray(at, at + 4)];
}
const hex = values => `#${values.slice(0, values[3] === 255 ? 3 : 4).map(value => value.toString(16).padStart(2, '0')).join('')}`;
const signed = value => `${value > 0 ? '+' : value < 0 ? '−' : ''}${Math.abs(value)}`;
const MAGMA = ['000004', '140e36', '3b0f70', '641a80', '8c2981', 'b73779', 'de4968', 'f7705c', 'fe9f6d', 'fecf92', 'fcfdbf'];
const MAGMA_RGB = MAGMA.map(text => [0, 2, 4].map(at => parseInt(text.slice(at, at + 2), 16)));
/* Which error a colour of the FLIP map stands for, to about a hundredth. */
function magmaValue(colour) {
	let best = 0, least = Infinity;
	for (let i = 0; i <= 200; i++) {
		const at = Math.min(9, Math.floor(i / 20)), part = i / 20 - at;
		const away = MAGMA_RGB[at].reduce((sum, low, c) => sum + (low + (MAGMA_RGB[at + 1][c] - low) * part - colour[c]) ** 2, 0);
		if (away < least) { [best, least] = [i / 200, away]; }
	}
	return best;
}

function makeViewer(test, frame) {
	const pictures = {}; // by slot, once decoded
	const slots = ['golden', 'actual', 'difference'].filter(slot => has(frame, slot));
	const sizeOf = slot => sizes[frame.pictures[slot]];
	const W = Math.max(0, ...slots.map(slot => sizeOf(slot).width)), H = Math.max(0, ...slots.map(slot => sizeOf(slot).height));
	const both = has(frame, 'golden') && has(frame, 'actual');
	const whyNot = slot => typeof frame.pictures[slot] === 'string' ? frame.pictures[slot] : 'There is no such picture.';
	if (!W) {
		return { element: make('div.panel.stage', ['golden', 'actual'].map(slot => make('p.missing', `The ${slot}: `, whyNot(slot)))),
			showMode() {}, key: () => false, keyUp() {}, close() {} };
	}
	let probe = { x: W >> 1, y: H >> 1 }, held = false, split = 0.5, peek = 0, panes = [], room = null;
	let zoom = 1, left = 0, top = 0, fitted = true;
	const usable = ([, , , needs]) => !needs || has(frame, needs) && (needs !== 'actual' || both);
	const mode = () => MODES.some(one => one[0] === state.mode && usable(one)) ? state.mode : 'side';

	const stage = make('div.stage'), under = make('div'), percent = make('output', { 'aria-label': 'Zoom' });
	const modes = MODES.map((one, i) => make('button', { type: 'button', 'data-mode': one[0], disabled: !usable(one), 'aria-label': one[1],
		title: usable(one) ? `${one[1]} (${i + 1})` : whyNot(one[3]), onclick: () => one[0] === 'flip' && mode() === 'flip' ? flip() : go({ mode: one[0] }, true) },
	make('span.long', one[1]), make('span.short', one[2])));

	/* The magnifier */

	const glasses = slots.map(slot => ({ slot, canvas: make('canvas', { width: LENS * 10, height: LENS * 10, 'aria-hidden': 'true' }) }));
	const cells = {};
	const row = (slot, name) => make('tr', make('th', { scope: 'row' }, name),
		cells[slot] = [...CHANNELS, 'hex'].map(channel => make('td', { class: channel === 'hex' && 'hex', 'data-value': `${slot}-${channel}` })));
	const fields = {};
	const field = (name, most) => {
		fields[name] = make('input', { type: 'number', min: 0, max: most - 1 });
		fields[name].addEventListener('input', () => { held = true; setProbe({ ...probe, [name]: Math.round(fields[name].value) || 0 }, name); });
		return make('label', name, fields[name]);
	};
	const hold = button('Hold', () => { held = !held; showProbe(); }, { title: 'Hold the magnifier where it is (click on the picture)' });
	const element = make('section.panel.viewer', { 'aria-label': `Pictures of frame ${frame.number}` },
		make('div.tools', make('div.segments', { role: 'group', 'aria-label': 'View' }, modes), make('div.zoom',
			button('−', () => zoomStep(-1), { 'aria-label': 'Zoom out', title: 'Zoom out (-)' }), percent, button('+', () => zoomStep(1), { 'aria-label': 'Zoom in', title: 'Zoom in (+)' }),
			button('Fit', fitView, { title: 'Fit (0)' }), button('1:1', () => zoomTo(1)))),
		stage, under, make('div.loupe', { role: 'group', 'aria-label': 'Magnifier' },
			make('div.glasses', glasses.map(({ slot, canvas }) => make('figure', canvas, make('figcaption', slot)))),
			make('div', make('div.where', field('x', W), field('y', H), hold, both && button('Worst pixel', worst, { title: 'The first pixel that differs most (w)' })),
				make('table.values', make('thead', make('tr', make('td'), CHANNELS.map(channel => make('th', { scope: 'col' }, channel)), make('td'))),
					make('tbody', row('golden', 'Golden'), row('actual', 'Actual'), row('away', 'Difference'))))));

	function drawGlass({ slot, canvas }) {
		const context = canvas.getContext('2d'), half = (LENS - 1) / 2;
		context.setTransform(1, 0, 0, 1, 0, 0);
		context.clearRect(0, 0, canvas.width, canvas.height);
		if (!pictures[slot]) { return; }
		context.imageSmoothingEnabled = false;
		context.setTransform(10, 0, 0, 10, 10 * (half - probe.x), 10 * (half - probe.y));
		context.drawImage(pictures[slot].canvas, 0, 0);
		context.setTransform(1, 0, 0, 1, half * 10, half * 10);
		context.strokeRect(-0.5, -0.5, 11, 11);
		context.strokeStyle = '#fff';
		context.strokeRect(0.5, 0.5, 9, 9);
		context.strokeStyle = '#000';
	}
	function fillRow(slot, values, text, last) {
		cells[slot].forEach((cell, i) => {
			if (i < 4) {
				cell.textContent = values ? text(values[i]) : '–';
				cell.classList.toggle('off', slot === 'away' && Boolean(values?.[i]));
			} else { cell.replaceChildren(...values ? last : []); }
		});
	}
	function showValues() {
		const { x, y } = probe, golden = sample(pictures.golden, x, y), actual = sample(pictures.actual, x, y);
		const away = golden && actual && golden.map((value, i) => actual[i] - value), error = mode() === 'flip-map' && sample(pictures.flip, x, y);
		for (const [slot, values] of [['golden', golden], ['actual', actual]]) {
			const swatch = make('span.swatch');
			if (values) { swatch.style.backgroundColor = hex(values); }
			fillRow(slot, values, String, values && [swatch, hex(values)]);
		}
		fillRow('away', away, signed, away && [error ? `FLIP ≈ ${magmaValue(error).toFixed(2)}` : `max ${Math.max(...away.map(Math.abs))}`]);
		return `x ${x}, y ${y}: golden ${golden}, actual ${actual}, difference ${away}`;
	}
	function placeCross({ cross }) {
		const x = left + (probe.x + 0.5) * zoom, y = top + (probe.y + 0.5) * zoom, size = Math.max(zoom, 5);
		const [across, down, box] = cross.children;
		across.style.transform = `translateY(${y}px)`;
		down.style.transform = `translateX(${x}px)`;
		box.style.transform = `translate(${x - size / 2}px, ${y - size / 2}px)`;
		box.style.width = box.style.height = `${size}px`;
	}
	function showProbe(typed) {
		panes.forEach(placeCross);
		glasses.forEach(drawGlass);
		element.classList.toggle('held', held);
		hold.setAttribute('aria-pressed', held);
		for (const name of ['x', 'y']) { if (name !== typed) { fields[name].value = probe[name]; } }
		return showValues();
	}
	function setProbe({ x, y }, typed) {
		probe = { x: within(x, 0, W - 1), y: within(y, 0, H - 1) };
		return showProbe(typed);
	}
	/* The first with the largest difference of a channel; where there is none, as it is. */
	function worstPixel() {
		const { golden, actual } = pictures;
		let most = 0, at = -1;
		for (let i = 0; golden && actual && golden.width === actual.width && i < golden.data.length; i++) {
			const away = Math.abs(golden.data[i] - actual.data[i]);
			if (away > most) { [most, at] = [away, i >> 2]; }
		}
		return at < 0 ? probe : { x: at % golden.width, y: Math.floor(at / golden.width) };
	}
	function moveTo(place) { // by a key: stays there, is told, and in sight
		held = true;
		say(setProbe(place));
		const x = left + (probe.x + 0.5) * zoom, y = top + (probe.y + 0.5) * zoom;
		if (x < 0 || x > room.width) { left += room.width / 2 - x; }
		if (y < 0 || y > room.height) { top += room.height / 2 - y; }
		redraw();
	}
	function worst() { moveTo(worstPixel()); }

	/* The panes */

	function layout() {
		const width = stage.isConnected && panes[0] ? panes[0].surface.clientWidth : 0;
		if (!width) { return; }
		const most = Math.max(220, innerHeight - 340), scale = Math.min(width / W, most / H);
		const fit = scale < 1 ? scale : Math.min(8, Math.floor(scale));
		if (fitted) { zoom = fit; }
		room = { width, height: Math.round(within(H * Math.max(fit, zoom), 160, most)) };
		for (const { surface, canvas } of panes) {
			surface.style.height = `${room.height}px`;
			canvas.width = Math.round(width * devicePixelRatio);
			canvas.height = Math.round(room.height * devicePixelRatio);
		}
		redraw();
	}
	function redraw() {
		if (!room) { return; }
		const clamp = (at, space, size) => size <= space ? (space - size) / 2 : within(at, space - size, 0);
		left = clamp(left, room.width, W * zoom);
		top = clamp(top, room.height, H * zoom);
		percent.textContent = `${Math.round(zoom * 100)} %`;
		for (const pane of panes) {
			drawPane(pane);
			pane.surface.classList.toggle('zoomed', W * zoom > room.width + 1 || H * zoom > room.height + 1);
		}
		showProbe();
	}
	function drawPane({ slot, element: figure, caption, canvas, divider }) {
		const context = canvas.getContext('2d'), ratio = devicePixelRatio, edge = split * W;
		const shown = slot === 'both' ? 'golden' : slot !== 'either' ? slot : flipped !== Boolean(peek) ? 'actual' : 'golden';
		context.setTransform(1, 0, 0, 1, 0, 0);
		context.clearRect(0, 0, canvas.width, canvas.height);
		context.imageSmoothingEnabled = zoom * ratio < 1;
		context.imageSmoothingQuality = 'high';
		context.setTransform(zoom * ratio, 0, 0, zoom * ratio, Math.round(left * ratio), Math.round(top * ratio));
		if (pictures[shown]) { context.drawImage(pictures[shown].canvas, 0, 0); }
		if (slot === 'both' && pictures.actual) {
			context.save();
			context.beginPath();
			context.rect(edge, 0, W - edge, H);
			context.clip();
			context.clearRect(edge, 0, W - edge, H);
			context.drawImage(pictures.actual.canvas, 0, 0);
			context.restore();
			divider.style.transform = `translateX(${left + edge * zoom}px)`;
		}
		if (slot === 'either') {
			caption.textContent = shown === 'golden' ? 'Golden' : 'Actual';
			figure.dataset.shows = shown;
		}
	}
	function flip() {
		flipped = !flipped;
		say(flipped ? 'actual' : 'golden');
		redraw();
	}
	const ramp = make('span.ramp', { role: 'img', 'aria-label': 'from black by violet and orange to light yellow' });
	ramp.style.background = `linear-gradient(to right, #${MAGMA.join(', #')})`;
	const legend = [['lit', 'a pixel that differs, in the channels that do, brighter the more (white: all, or alpha)'], ['same', 'does not, or not by more than the threshold: the golden, dark'],
		['smooth', 'anti-aliasing, not counted (metric yiq)'], ['ignored', 'ignored']].map(([kind, text]) => make('span.key', make(`i.${kind}`), text));
	const isFlip = /FLIP/.test(frame.allowed || '');
	const range = make('input', { type: 'range', min: 0, max: 100, step: 0.5, value: 50, 'aria-label': 'Slider: how much of the golden is shown, in percent' });
	range.addEventListener('input', () => slide(range.value / 100));
	function slide(value) {
		split = within(value, 0, 1);
		range.value = split * 100;
		redraw();
	}
	function makePane([slot, name, about]) {
		const caption = make('span', name);
		const pane = { slot, caption, canvas: make('canvas', { role: 'img', 'aria-label': `${name} of frame ${frame.number}, ${W} by ${H} pixels` }),
			cross: make('div.cross', make('i.across'), make('i.down'), make('i.box')), divider: slot === 'both' && make('div.divider') };
		const shown = slot === 'both' || slot === 'either' || has(frame, slot);
		pane.surface = shown ? make('div.surface', { 'data-slot': slot, tabindex: 0, role: 'group', 'aria-label': `${name}: arrow keys move the magnifier` }, pane.canvas, pane.cross, pane.divider)
			: make('div.surface', make('p.missing', whyNot(slot)));
		pane.element = make('figure.pane', make('figcaption', caption, make('span.dim', about)), pane.surface);
		if (shown) { listen(pane); }
		return pane;
	}
	function showMode() {
		const now = mode();
		panes = { side: ['golden', 'actual', 'difference'].map(slot => [slot, slot[0].toUpperCase() + slot.slice(1), slot !== 'difference' && has(frame, slot) && `${sizeOf(slot).width}×${sizeOf(slot).height}`]),
			slider: [['both', 'Golden | actual', 'drag, or ← →']], flip: [['either', 'Golden', 'f, space or a click on Flip changes']],
			difference: [['difference', 'Difference']], 'flip-map': [['flip', 'FLIP error map']] }[now].map(makePane);
		stage.replaceChildren(...panes.map(pane => pane.element));
		for (const one of modes) { one.setAttribute('aria-pressed', one.dataset.mode === now); }
		under.replaceChildren(...now === 'slider' ? [make('div.slide', 'Golden', range, 'Actual')] : now === 'difference' ? [isFlip ? make('div.slide', '0', ramp, '1', make('span.dim', 'the FLIP error of each pixel')) : make('div.slide.legend', legend)] : now === 'flip-map' ? [make('div.slide',
			'0', ramp, '1',
			make('span.dim', `the error that is noticed when flipping between the two, 67 pixels per degree · mean ${frame.pictures.flip_mean.toFixed(4)}`))] : []);
		layout();
	}

	/* Zoom and pointer */

	function zoomTo(wanted, at) {
		const { x, y } = at || (held ? { x: left + (probe.x + 0.5) * zoom, y: top + (probe.y + 0.5) * zoom } : { x: room.width / 2, y: room.height / 2 });
		const next = within(wanted, Math.min(1 / 16, zoom), 64);
		left = x - (x - left) * next / zoom;
		top = y - (y - top) * next / zoom;
		[zoom, fitted] = [next, false];
		layout();
	}
	function zoomStep(direction, at) {
		const next = direction > 0 ? ZOOMS.find(step => step > zoom * 1.01) : ZOOMS.filter(step => step < zoom * 0.99).pop();
		if (next) { zoomTo(next, at); }
	}
	function fitView() {
		fitted = true;
		layout();
	}
	function listen({ slot, surface }) {
		const pointers = new Map();
		let drag = null;
		const place = event => { const box = surface.getBoundingClientRect(); return { x: event.clientX - box.left, y: event.clientY - box.top }; };
		const toPixel = at => setProbe({ x: Math.floor((at.x - left) / zoom), y: Math.floor((at.y - top) / zoom) });
		surface.addEventListener('pointerdown', event => {
			if (event.button) { return; }
			const at = place(event), zoomed = surface.classList.contains('zoomed');
			pointers.set(event.pointerId, at);
			drag = { at, slides: slot === 'both' && (!zoomed || Math.abs(at.x - left - split * W * zoom) < 24), zoomed, left, top, moved: false, apart: 0 };
			surface.setPointerCapture(event.pointerId);
		});
		surface.addEventListener('pointermove', event => {
			const at = place(event);
			if (!drag) {
				if (!held) { toPixel(at); }
				return;
			}
			pointers.set(event.pointerId, at);
			drag.moved ||= Math.hypot(at.x - drag.at.x, at.y - drag.at.y) > 4;
			if (pointers.size === 2) { // pinch
				const [a, b] = [...pointers.values()], apart = Math.hypot(a.x - b.x, a.y - b.y);
				if (drag.apart) { zoomTo(zoom * apart / drag.apart, { x: (a.x + b.x) / 2, y: (a.y + b.y) / 2 }); }
				drag.apart = apart;
			} else if (drag.moved && drag.slides) {
				slide((at.x - left) / (W * zoom));
			} else if (drag.moved && drag.zoomed && !drag.apart) {
				left = drag.left + at.x - drag.at.x;
				top = drag.top + at.y - drag.at.y;
				redraw();
			}
		});
		const end = event => {
			if (pointers.delete(event.pointerId) && !drag.moved && event.type === 'pointerup') {
				held = event.pointerType === 'touch' || !held;
				toPixel(place(event));
			}
			if (!pointers.size) { drag = null; }
		};
		surface.addEventListener('pointerup', end);
		surface.addEventListener('pointercancel', end);
		surface.addEventListener('wheel', event => {
			if (event.ctrlKey) {
				event.preventDefault();
				zoomTo(zoom * 2 ** (-event.deltaY / (event.deltaMode ? 6 : 200)), place(event));
			}
		}, { passive: false });
	}
	const resized = new ResizeObserver(layout);
	resized.observe(stage);

	/* Keys; true where it was one of the viewer's. */
	const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
	function key(event) {
		const step = event.shiftKey ? 10 : 1, arrow = ARROWS[event.key];
		if (event.key >= '1' && event.key <= '5') {
			modes[event.key - 1].click();
		} else if ((event.key === 'f' || event.key === ' ') && both) {
			if (mode() !== 'flip') { go({ mode: 'flip' }, true); } else if (!event.repeat) { peek = performance.now(); redraw(); }
		} else if (arrow?.[0] && mode() === 'slider') {
			slide(split + arrow[0] * step / 100);
		} else if (arrow && element.contains(document.activeElement)) {
			moveTo({ x: probe.x + arrow[0] * step, y: probe.y + arrow[1] * step });
		} else if (event.key === 'w' && both) { worst(); }
		else if (event.key === '+' || event.key === '=') { zoomStep(1); }
		else if (event.key === '-') { zoomStep(-1); }
		else if (event.key === '0') { fitView(); }
		else { return false; }
		return true;
	}
	/* A short press has flipped; after a long one it is again as before. */
	function keyUp() {
		const short = peek && performance.now() - peek < 350;
		peek = 0;
		if (short) { flip(); } else { redraw(); }
	}
	Promise.all([...slots, 'flip'].filter(slot => has(frame, slot)).map(async slot => {
		pictures[slot] = await pictureOf(frame.pictures[slot]);
		redraw();
	})).then(() => {
		if (!held) { setProbe(worstPixel()); }
		element.dataset.ready = 'true';
	});
	return { element, showMode, key, keyUp, close: () => resized.disconnect() };
}

/* All of it */

function show() {
	const unknown = readHash();
	const frame = state.test ? (state.frame !== null ? frameOf(state.test, state.frame) : firstFrame(state.test)) : null;
	document.body.dataset.view = state.test ? 'detail' : 'overview';
	$('overview').hidden = Boolean(state.test);
	$('detail').hidden = !state.test;
	document.title = `${state.test ? `${state.test.name}${frame ? ` frame ${frame.number}` : ''}: ${wordOf(state.test)}` : headline()} – ${run.suite || 'vgt test'}`;
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
let chosen = null;
try { chosen = localStorage.getItem('vgt-theme'); } catch { /* for this page only */ }
function showTheme() {
	const theme = chosen === 'dark' || chosen === 'light' ? chosen : dark.matches ? 'dark' : 'light';
	document.documentElement.dataset.theme = theme;
	$('theme').textContent = theme === 'dark' ? 'Light' : 'Dark';
}
function changeTheme() {
	chosen = document.documentElement.dataset.theme === 'dark' ? 'light' : 'dark';
	try { localStorage.setItem('vgt-theme', chosen); } catch { /* as above */ }
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
document.addEventListener('keyup', event => { if (viewer && (event.key === 'f' || event.key === ' ')) { viewer.keyUp(); } });
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
