// Two people write into one note: nothing is overwritten, both texts are shown, and one of them puts them together.

export default {
  number: '07',
  name: 'two people, one note',
  async run({ as, org, root }) {
    const patient = org.examples[0].patient;
    const first = await as('clinician');
    await first.go(`${root}/patients/${patient}/notes`);
    await first.click('form[action$="/notes"] button.primary');
    const note = first.page.url();
    await first.page.waitForSelector('form[data-note] textarea');
    const second = await as('clinician');
    await second.go(note);
    await first.fill('form[data-note] textarea', 'The first one wrote this sentence.');
    await first.press('Control+s');
    await first.page.waitForTimeout(1_500);
    second.page.mayFail = (response) => response.status() === 409;
    await second.fill('form[data-note] textarea', 'The second one wrote another.');
    await second.press('Control+s');
    await second.page.waitForSelector('.clash:not([hidden]) button', { timeout: 8_000 });
    await second.shot('conflict');
    await second.click('.clash button');
    await second.sees('The first one wrote this sentence.', 'the text of the other');
    await second.sees('The second one wrote another.', 'one’s own text');
    await second.shot('side-by-side');
    await second.click('button[name=do][value=merge]');
    await first.go(note);
    const text = await first.page.inputValue('form[data-note] textarea');
    if (!text.includes('second one')) throw new Error(`what was put together is not in the note: ${text}`);
    await first.shot('merged');
  },
};
