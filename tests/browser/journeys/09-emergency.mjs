// A restricted record is opened in an emergency: with a reason, for a time, under a banner; the privacy officer is told
// and reviews it.

export default {
  number: '09',
  name: 'emergency access and its review',
  async run({ as, org, root }) {
    const patient = org.examples[1]?.patient ?? org.examples[0].patient;
    const nurse = await as('nurse');
    await nurse.go(`${root}/patients/${patient}/emergency`);
    await nurse.fill('#reason', 'Found unconscious, no history known, needs treatment now');
    await nurse.click('main form button.primary');
    if (!(await nurse.page.locator('.emergency').count())) throw new Error('there is no banner');
    await nurse.shot('banner');
    const officer = await as('privacy-officer');
    await officer.go(`${root}/admin/audit`);
    await officer.click('a.alarm');
    await officer.shot('queue');
    await officer.fill('section.review textarea', 'Called the ward; justified.');
    await officer.click('section.review button.primary');
    await officer.sees('The review was recorded.');
    await nurse.go(`${root}/account`);
    await nurse.click('.emergency button');
    if (await nurse.page.locator('.emergency').count()) throw new Error('the banner stays after the end');
  },
};
