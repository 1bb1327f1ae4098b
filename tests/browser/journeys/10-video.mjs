// A video visit with a waiting room: two browsers with made-up cameras see each other, write to each other, and the visit
// with its consent and its length is in the record.

export default {
  number: '10',
  name: 'a visit by video',
  async run({ as, ask, loginOf, root, note }) {
    const devices = { permissions: ['camera', 'microphone'] };
    const patient = await as('patient', devices);
    const clinician = await as('clinician', devices);
    const id = loginOf('patient').patient ?? loginOf('patient').record ?? (await patientOf(patient, root));
    await clinician.go(`${root}/patients/${id}/video`);
    await clinician.click('main form button.primary');
    await clinician.shot('room');
    await patient.go(`${root}/portal/video`);
    await patient.click('[data-consent] input', false);
    await patient.click('[data-consent] button', false);
    await clinician.page.waitForFunction(() => document.querySelector('[data-state]').textContent === document.querySelector('[data-state]').dataset.consented, null, { timeout: 10_000 });
    await patient.shot('waiting');
    await clinician.click('form.act button.primary');
    for (const person of [clinician, patient]) {
      await person.page.waitForSelector('.room.talking', { timeout: 25_000 });
      await person.page.waitForFunction(() => document.querySelector('.theirs').videoWidth > 0, null, { timeout: 15_000 });
    }
    await patient.fill('#chat-line', 'I can hear you.');
    await patient.press('Enter');
    await clinician.page.waitForSelector('.chat-lines .patient');
    await clinician.shot('talking');
    await patient.shot('talking');
    await clinician.click('button.danger');
    await patient.page.waitForFunction(() => document.querySelector('[data-state]').textContent === document.querySelector('[data-state]').dataset.ended, null, { timeout: 10_000 });
    const visits = await ask(`Encounter?patient=${id}&class=VR&status=finished&_sort=-_lastUpdated&_count=1`);
    const visit = visits.entry?.[0]?.resource;
    if (!visit?.period?.end) note('the visit and its length are not in the record');
    const consents = await ask(`DocumentReference?patient=${id}&type=59284-0&_summary=count`);
    if (!(consents.total >= 1)) note('the consent is not in the record');
  },
};

async function patientOf(person, root) {
  await person.go(`${root}/portal/`);
  return null;
}
