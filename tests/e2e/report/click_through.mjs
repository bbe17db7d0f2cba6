// SPDX-License-Identifier: MIT
// Uses the page of `vgt test --html` as a person would, in headless Chromium; tests/e2e/report.sh makes the pages and
// says in CASE (JSON) what is on them. With SHOTS=DIR it leaves pictures of the page there to look at.
import { createRequire } from 'node:module';
import assert from 'node:assert/strict';
import { pathToFileURL } from 'node:url';
import path from 'node:path';

const { chromium } = createRequire(path.join(process.env.NODE_DIRECTORY, 'x.js'))('playwright-core');
const pages = JSON.parse(process.env.CASE);
const root = process.getuid() === 0 ? ['--no-sandbox'] : [];
const browser = await chromium.launch({ executablePath: process.env.CHROMIUM, args: [...root, '--disable-gpu'] });
let checks = 0;
const equal = (what, expected, seen) => { checks++; assert.deepEqual(seen, expected, what); };
const ok = (what, seen) => { checks++; assert.ok(seen, what); };

// A page in a browser of its own, and all that it does besides: requests, messages, hostile code that runs.
async function open(file, { hash = '', scripts = true, ...options } = {}) {
	const context = await browser.newContext({ viewport: { width: 1440, height: 900 }, javaScriptEnabled: scripts, ...options });
	const page = await context.newPage();
	page.setDefaultTimeout(20000);
	const address = pathToFileURL(file).href, noted = [];
	page.on('console', message => noted.push(`console: ${message.text()}`));
	page.on('pageerror', error => noted.push(`error: ${error.message}`));
	page.on('request', request => { if (!request.url().startsWith('blob:') && request.url() !== address) { noted.push(`request: ${request.url()}`); } });
	page.on('dialog', dialog => { noted.push(`dialog: ${dialog.message()}`); dialog.dismiss(); });
	await page.addInitScript(() => { window.hostile = () => { document.documentElement.dataset.hostile = 'ran'; }; });
	await page.goto(address + hash);
	return { page, noted, address };
}
// What hostile text has done to the page.
async function harm({ page, noted }) {
	const found = [...noted];
	if (await page.locator('html[data-hostile]').count()) { found.push('hostile code ran'); }
	if (await page.locator('img[src="x"], img[onerror], a[href^="javascript:"]').count()) { found.push('hostile elements'); }
	return found;
}
const ready = page => page.locator('.viewer[data-ready]').waitFor();
const names = page => page.locator('#tests a.test:visible .name span').allTextContents();
const hash = page => page.evaluate(() => location.hash);
const cells = (page, row) => Promise.all(['R', 'G', 'B', 'A'].map(channel => page.locator(`[data-value="${row}-${channel}"]`).textContent()));
const shot = async (page, name) => { if (process.env.SHOTS) { await page.screenshot({ path: path.join(process.env.SHOTS, `${name}.png`) }); } };
async function probe(page, { x, y }) {
	await page.getByLabel('x', { exact: true }).fill(String(x));
	await page.getByLabel('y', { exact: true }).fill(String(y));
}
// The colour in the middle of the picture on the screen, as the browser has drawn it.
const drawn = page => page.locator('.surface canvas').first().evaluate(canvas => {
	const context = new OffscreenCanvas(1, 1).getContext('2d', { willReadFrequently: true });
	context.drawImage(canvas, -canvas.width / 2, -canvas.height / 2);
	return [...context.getImageData(0, 0, 1, 1).data];
});

async function overview() {
	const opened = await open(pages.mixed.file);
	const { page } = opened;
	const { order, verdicts } = pages.mixed;
	equal('tests, the gravest first', order, await names(page));
	equal('headline', pages.mixed.headline, await page.locator('.headline').textContent());
	for (const [verdict, text] of Object.entries(verdicts)) {
		equal(`count of ${verdict}`, text, await page.locator(`.chip[data-verdict="${verdict}"]`).textContent());
	}
	for (const text of pages.mixed.environment) { ok(`environment: ${text}`, await page.locator('.facts', { hasText: text }).count()); }
	await page.locator('.card img').first().evaluate(image => image.decode());
	equal('pictures of a card are named', ['golden', 'actual', 'difference'], await page.locator('.card', { hasText: 'gears' }).locator('small').allTextContents());
	ok('draws were left out', (await page.locator('.notice').first().textContent()).includes('--drop=draws') && await page.locator('.facts', { hasText: '--drop=draws' }).count());
	await shot(page, 'overview-light');

	// filters, and that the address has them
	await page.locator('.chip[data-verdict="known"]').click();
	equal('a verdict', ['desktop'], await names(page));
	equal('its address', '#?verdict=known', await hash(page));
	await page.locator('.chip[data-verdict="pass"]').click();
	equal('another one, too', 3, (await names(page)).length);
	await page.getByRole('button', { name: 'Show all' }).click();
	equal('all again', order, await names(page));
	await page.keyboard.press('/');
	await page.keyboard.type('GEARS');
	equal('text', order.filter(name => name.startsWith('gears')), await names(page));
	await page.keyboard.press('Enter');
	equal('Enter opens the first', 'gears', await page.locator('#detail h1').textContent());
	await page.keyboard.press('Escape');
	await page.keyboard.press('Escape');
	await page.getByLabel('Tag', { exact: true }).selectOption('texture');
	await page.locator('#text').fill('');
	equal('a tag', ['shadow'], await names(page));
	await page.reload();
	equal('filters outlive a reload', ['shadow'], await names(page));
	await page.locator('#text').fill('nothing has this');
	equal('nothing matches', '0 of', (await page.locator('#shown').textContent()).slice(0, 4));
	equal('nothing else happened', [], await harm(opened));
	await page.context().close();
}

async function pictures() {
	const { frame } = pages.mixed;
	const opened = await open(pages.mixed.file, { hash: `#gears/frame-${frame.number}` });
	const { page } = opened;
	await ready(page);
	equal('the frame of the address', `Frame ${frame.number}`, (await page.locator('.frame[aria-current="true"]').textContent()).trim());
	ok('what was measured and allowed', (await page.locator('#detail').textContent()).includes('allowed: at most 0.5%'));
	equal('captions', ['Golden', 'Actual', 'Difference'], await page.locator('.pane figcaption span:first-child').allTextContents());
	await shot(page, 'frame-light');

	// the magnifier against what netpbm reads from the files
	for (const place of frame.places) {
		await probe(page, place);
		equal(`golden at ${place.x},${place.y}`, place.golden, (await cells(page, 'golden')).slice(0, 3).map(Number));
		equal('actual', place.actual, (await cells(page, 'actual')).slice(0, 3).map(Number));
		equal('difference', place.actual.map((value, i) => value - place.golden[i]), (await cells(page, 'away')).slice(0, 3).map(text => Number(text.replace('−', '-'))));
	}
	await page.getByRole('button', { name: 'Worst pixel' }).click();
	equal('the worst pixel', [String(frame.worst.x), String(frame.worst.y)], [await page.getByLabel('x', { exact: true }).inputValue(), await page.getByLabel('y', { exact: true }).inputValue()]);
	await page.locator('.surface').first().focus();
	await page.keyboard.press('ArrowRight');
	await page.keyboard.press('Shift+ArrowDown');
	equal('arrow keys move it', [String(frame.worst.x + 1), String(frame.worst.y + 10)], [await page.getByLabel('x', { exact: true }).inputValue(), await page.getByLabel('y', { exact: true }).inputValue()]);
	await page.getByRole('button', { name: 'Hold' }).click();
	const box = await page.locator('.surface').first().boundingBox();
	const zoom = parseInt(await page.locator('.zoom output').textContent(), 10) / 100;
	await page.mouse.move(box.x + box.width / 2 + 0.5 * zoom, box.y + box.height / 2 + 0.5 * zoom);
	equal('it follows the pointer', [String(frame.width / 2), String(frame.height / 2)], [await page.getByLabel('x', { exact: true }).inputValue(), await page.getByLabel('y', { exact: true }).inputValue()]);
	await page.mouse.down();
	await page.mouse.up();
	await page.mouse.move(box.x + 40, box.y + 40);
	equal('and is held by a click', String(frame.width / 2), await page.getByLabel('x', { exact: true }).inputValue());

	// zoom
	await page.keyboard.press('+');
	await page.keyboard.press('+');
	equal('zoom', '300 %', await page.locator('.zoom output').textContent());
	await page.keyboard.press('0');
	equal('fit', '100 %', await page.locator('.zoom output').textContent());

	// flip by key, hold to peek
	await page.keyboard.press('3');
	equal('the address has the view', `#gears/frame-${frame.number}?view=flip`, await hash(page));
	const pane = page.locator('.pane');
	equal('golden', 'golden', await pane.getAttribute('data-shows'));
	equal('as it is', frame.middle.golden, (await drawn(page)).slice(0, 3));
	for (const key of ['f', 'f', 'Space', 'f']) {
		const before = await pane.getAttribute('data-shows');
		await page.keyboard.press(key);
		ok(`${key} flips`, before !== await pane.getAttribute('data-shows'));
	}
	equal('and back', frame.middle.golden, (await drawn(page)).slice(0, 3));
	await page.keyboard.down('f');
	equal('while it is held', 'actual', await pane.getAttribute('data-shows'));
	equal('the actual', frame.middle.actual, (await drawn(page)).slice(0, 3));
	await page.evaluate(() => new Promise(resolve => { setTimeout(resolve, 400); })); // longer than a tap
	await page.keyboard.up('f');
	equal('let go', 'golden', await pane.getAttribute('data-shows'));
	await page.getByRole('button', { name: 'Flip', exact: true }).click();
	equal('a click', 'actual', await pane.getAttribute('data-shows'));
	await shot(page, 'flip-light');
	await page.keyboard.press('f');

	// the slider
	await page.keyboard.press('2');
	const slider = page.getByRole('slider');
	const surface = await page.locator('.surface').boundingBox();
	const at = (part, down = 0.5) => [surface.x + surface.width / 2 + (part - 0.5) * frame.width * Number(parseInt(zoomed, 10) / 100), surface.y + surface.height * down];
	const zoomed = await page.locator('.zoom output').textContent();
	await page.mouse.move(...at(0.5));
	await page.mouse.down();
	await page.mouse.move(...at(0.7), { steps: 4 });
	await page.mouse.up();
	ok('dragged', Math.abs(Number(await slider.inputValue()) - 70) <= 1);
	equal('golden on the left', frame.middle.golden, (await drawn(page)).slice(0, 3));
	await page.mouse.move(...at(0.7));
	await page.mouse.down();
	await page.mouse.move(...at(0.3), { steps: 4 });
	await page.mouse.up();
	equal('actual on the right', frame.middle.actual, (await drawn(page)).slice(0, 3));
	const before = Number(await slider.inputValue());
	await page.keyboard.press('ArrowRight');
	await page.keyboard.press('Shift+ArrowRight');
	ok('arrow keys move it', Math.abs(Number(await slider.inputValue()) - before - 11) <= 1);
	await shot(page, 'slider-light');

	// the other two
	await page.keyboard.press('4');
	equal('difference', ['Difference'], await page.locator('.pane figcaption span:first-child').allTextContents());
	equal('and its legend', 4, await page.locator('.slide .key').count());
	await shot(page, 'difference-light');
	await page.keyboard.press('5');
	ok('FLIP has a legend', /mean 0\.\d{4}/.test(await page.locator('.slide').textContent()));
	ok('and a value', /FLIP ≈ [01]\.\d\d/.test(await page.locator('[data-value="away-hex"]').textContent()));
	await shot(page, 'flip-map-light');
	await page.keyboard.press('1');

	// frames and tests by key, and back
	await page.keyboard.press('n');
	equal('the next frame', '#gears/frame-19', await hash(page));
	await page.keyboard.press('p');
	equal('the one before', `#gears/frame-${frame.number}`, await hash(page));
	await page.keyboard.press('j');
	equal('the next test', pages.mixed.order[pages.mixed.order.indexOf('gears') + 1], await page.locator('#detail h1').textContent());
	await page.keyboard.press('k');
	equal('the one before', 'gears', await page.locator('#detail h1').textContent());
	await page.goBack();
	await page.goBack();
	equal('back', `#gears/frame-${frame.number}`, await hash(page));

	// command lines, decoded commands, help
	ok('draws of the first bad frame', (await page.locator('.code').first().textContent()).includes('DRAW_VBO'));
	const line = page.locator('.lines li', { hasText: 'vgt dump' });
	equal('a command line', `vgt dump suite/gears.vgt ${frame.number} draw`, await line.locator('code').textContent());
	await page.context().grantPermissions(['clipboard-read', 'clipboard-write']);
	await line.getByRole('button').click();
	equal('is copied', `vgt dump suite/gears.vgt ${frame.number} draw`, await page.evaluate(() => navigator.clipboard.readText()));
	ok('the frame again, as it was drawn', (await page.locator('.lines').textContent()).includes(
		`LIBGL_ALWAYS_SOFTWARE=1 LP_NATIVE_VECTOR_WIDTH=128 vgt replay --drop=draws --frames ${frame.number} --out frames suite/gears.vgt`));
	ok('compared as it was', (await page.locator('.lines').textContent()).includes('vgt compare --metric difference --threshold 8 --max-pixels 0.5% suite/gears/frame-'));
	ok('frames are the first reasons', (await page.locator('ul.notice li').first().textContent()).startsWith('frame '));
	await page.keyboard.press('?');
	ok('help', await page.getByRole('dialog').isVisible());
	await page.keyboard.press('Escape');
	ok('goes', !await page.getByRole('dialog').isVisible());
	equal('nothing else happened', [], await harm(opened));
	await page.context().close();
}

async function others() {
	// a crash, and hostile text everywhere
	const opened = await open(pages.mixed.file, { hash: `#${encodeURIComponent(pages.mixed.hostile)}` });
	const { page } = opened;
	equal('a name is text', pages.mixed.hostile, await page.locator('#detail h1').textContent());
	ok('so is the log', (await page.locator('.code').last().textContent()).includes('</script><img src=x onerror=hostile()>'));
	ok('what it shows, too', (await page.locator('.about').textContent()).includes('</script><script>hostile()</script><!--<script>'));
	for (const test of pages.mixed.order) {
		await page.goto(`${opened.address}#${encodeURIComponent(test)}`);
		equal('each test is shown', test, await page.locator('#detail h1').textContent());
		equal('and does nothing', [], await harm(opened));
	}
	await page.goto(`${opened.address}#crash`);
	ok('where it crashed', /@\d+: renderer crashed/.test(await page.locator('ul.notice').textContent()));
	ok('the command there, decoded', (await page.locator('.code').first().textContent()).includes('SUBMIT_3D'));
	ok('how to look at it', (await page.locator('.lines').textContent()).includes('vgt replay --step suite/crash.vgt'));
	await shot(page, 'crash-light');
	await page.goto(`${opened.address}#resized`);
	await ready(page);
	ok('sizes differ', (await page.locator('.stage').textContent()).includes('The sizes differ.'));
	await page.goto(`${opened.address}#desktop`);
	equal('its reason, once', 1, (await page.locator('#detail').textContent()).split('https://example.org/issues/7').length - 1);
	equal('a link of the manifest', 'https://example.org/issues/7', await page.locator('.notice a').getAttribute('href'));
	await page.goto(`${opened.address}#no%20such?view=none&verdict=none`);
	equal('an address of nothing', pages.mixed.headline, await page.locator('.headline').textContent());
	equal('nothing else happened', [], await harm(opened));
	await page.context().close();

	// the same check finds what is not escaped
	const spoilt = await open(pages.spoilt.file);
	await spoilt.page.locator('html[data-hostile]').waitFor();
	ok('positive control', (await harm(spoilt)).includes('hostile code ran'));
	ok('requests are seen', spoilt.noted.some(text => text.startsWith('request: ')));
	await spoilt.page.context().close();

	for (const [name, { file, headline }] of Object.entries(pages.plain)) {
		const plain = await open(file);
		equal(name, headline, await plain.page.locator('.headline').textContent());
		equal(`${name}: nothing else happened`, [], await harm(plain));
		await shot(plain.page, `${name}-light`);
		await plain.page.context().close();
	}
	const good = await open(pages.plain['all-passed'].file, { hash: '#gears' });
	await ready(good.page);
	equal('golden and actual are one where they are identical', ['0', '0', '0', '0'], await cells(good.page, 'away'));
	ok('no difference', (await good.page.locator('.stage').textContent()).includes('No sample differs.'));
	await good.page.context().close();

	const unjudged = await open(pages.plain.unjudged.file);
	equal('what is not judged is not expected', ['To look at · 3', 'Not judged · 1', 'Expected · 1'], await unjudged.page.locator('.group:visible').allTextContents());
	equal('and has a card', 1, await unjudged.page.locator('section', { has: unjudged.page.getByRole('heading', { name: 'Not judged' }) }).locator('.card').count());
	await unjudged.page.context().close();

	const many = await open(pages.plain.many.file);
	equal('what is missing is told', '1 test without a result.', await many.page.locator('.notice').textContent());
	equal('hundreds', 400, await many.page.locator('#tests a.test').count());
	await many.page.locator('#text').fill('copy-399');
	equal('are found', ['copy-399'], await names(many.page));
	await many.page.context().close();

	const bare = await open(pages.mixed.file, { scripts: false });
	ok('without scripts it says so', await bare.page.locator('noscript').count());
	await bare.page.context().close();
}

async function looks() {
	const { page } = await open(pages.mixed.file, { colorScheme: 'dark', hash: '#gears' });
	const ground = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
	await ready(page);
	const dark = await ground();
	await shot(page, 'frame-dark');
	await page.locator('#theme').click();
	const light = await ground();
	ok('dark and light', dark !== light);
	await page.reload();
	equal('is remembered', light, await ground());
	await page.keyboard.press('t');
	equal('by key', dark, await ground());
	await page.context().close();

	for (const colorScheme of ['light', 'dark']) {
		const { page: phone } = await open(pages.mixed.file, { viewport: { width: 360, height: 740 }, hasTouch: true, isMobile: true, deviceScaleFactor: 2, colorScheme });
		const fits = async what => equal(`${what} is not wider than a phone`, 360, await phone.evaluate(() => document.documentElement.scrollWidth));
		await fits('the list');
		await shot(phone, `phone-list-${colorScheme}`);
		await phone.locator('#tests a.test', { hasText: 'gears' }).first().tap();
		await ready(phone);
		await fits('a test');
		equal('all views are there', 5, await phone.locator('.segments button:visible').count());
		for (const view of ['Slider', 'Flip', 'Difference', 'FLIP map']) {
			await phone.getByRole('button', { name: view, exact: true }).tap();
			await fits(view);
		}
		await phone.locator('.surface').tap({ position: { x: 60, y: 60 } });
		equal('a tap holds the magnifier', 'true', await phone.getByRole('button', { name: 'Hold' }).getAttribute('aria-pressed'));
		await shot(phone, `phone-frame-${colorScheme}`);
		await phone.getByRole('link', { name: 'All tests' }).tap();
		ok('back to the list', await phone.locator('#tests').isVisible());
		await phone.context().close();
	}
}

try {
	for (const part of [overview, pictures, others, looks]) { await part(); }
	console.log(`${checks} checks passed`);
} finally {
	await browser.close();
}
