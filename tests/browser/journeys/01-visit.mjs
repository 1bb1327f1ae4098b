// Somebody new comes without an appointment: registered after a look for duplicates, roomed, vital signs, note with a
// phrase, orders with an allergy to override, signed.

export default {
  number: '01',
  name: 'from the door to the signature',
  keyboard: true,
  async run({ as, ask, root, post, note }) {
    // Nobody of the demonstration, and nobody of an earlier run.
    const stamp = Date.now();
    const family = [...String(stamp % 1_000_000)].map((it) => 'aeioulmnrs'[it]).join('').replace(/^./, (it) => `Br${it}`);
    const born = `0${1 + stamp % 9}/1${stamp % 10}/19${50 + stamp % 49}`;
    const desk = await as('front-desk');
    await desk.go(`${root}/day`);
    await desk.click('a[href$="/patients/new"]');
    await desk.fill('#family', family);
    await desk.fill('#given', 'Ines');
    await desk.fill('#born', born);
    await desk.fill('#sex', 'female');
    await desk.press('Control+Enter', true);
    await desk.shot('registered');
    const found = await ask(`Patient?family=${family}`);
    const patient = found.entry?.[0]?.resource?.id;
    if (!patient) throw new Error('the newcomer is not in the record');
    // The same once more is noticed before it is written.
    await desk.go(`${root}/patients/new`);
    await desk.fill('#family', family);
    await desk.fill('#given', 'Ines');
    await desk.fill('#born', born);
    await desk.fill('#sex', 'female');
    await desk.press('Control+Enter', true);
    await desk.sees(family.toUpperCase(), 'the one who is here already');
    await desk.shot('duplicate');
    await post({ resourceType: 'AllergyIntolerance', patient: { reference: `Patient/${patient}` }, criticality: 'low',
      clinicalStatus: { coding: [{ system: 'http://terminology.hl7.org/CodeSystem/allergyintolerance-clinical', code: 'active' }] },
      verificationStatus: { coding: [{ system: 'http://terminology.hl7.org/CodeSystem/allergyintolerance-verification', code: 'confirmed' }] },
      code: { coding: [{ system: 'http://www.nlm.nih.gov/research/umls/rxnorm', code: '7980', display: 'penicillin G' }], text: 'Penicillin' } });

    const nurse = await as('nurse');
    await nurse.go(`${root}/patients/${patient}/encounters/new`);
    await nurse.press('Control+Enter', true);
    const visit = /encounters\/([^/?#]+)/.exec(nurse.page.url())?.[1];
    if (!visit) throw new Error(`no visit began: ${nurse.page.url()}`);
    await nurse.click('form.steps-form button.primary');
    await nurse.shot('roomed');
    nurse.begin();
    await nurse.click(`main a[href*="/vitals/new"]`);
    await nurse.fill('#weight', '70');
    await nurse.fill('#systolic', '128');
    await nurse.fill('#diastolic', '82');
    await nurse.fill('#pulse', '72');
    await nurse.press('Control+Enter', true);
    await nurse.shot('vitals');
    const vitals = await ask(`Observation?patient=${patient}&category=vital-signs&_summary=count`);
    if (!(vitals.total >= 3)) note(`${vitals.total} vital signs are in the record`);

    const clinician = await as('clinician');
    await clinician.go(`${root}/patients/${patient}/notes`);
    await clinician.click('form[action$="/notes"] button.primary');
    await clinician.fill('form[data-note] textarea', 'Cough for three days, no fever. .coldplan ');
    await clinician.page.waitForTimeout(2_200);
    await clinician.shot('note');
    const saved = await clinician.page.textContent('[data-status]');
    if (!/\d\d:\d\d/.test(saved)) note(`the note says nothing of being saved: ${saved}`);

    await clinician.go(`${root}/patients/${patient}/basket?tab=drugs`);
    await clinician.fill('#order-q', 'amoxicillin');
    await clinician.press('Enter', true);
    await clinician.click('.hits form.act button');
    await clinician.shot('allergy');
    await clinician.sees(/allerg/i, 'the warning about the allergy');
    const reasons = await clinician.page.locator('input[name^="reason:"]').all();
    if (!reasons.length) note('the warning asks for no reason');
    await clinician.go(`${root}/patients/${patient}/basket?tab=lab`);
    await clinician.fill('#order-q', 'hba1c');
    await clinician.press('Enter', true);
    await clinician.click('.hits form.act button');
    for (const reason of await clinician.page.locator('input[name^="reason:"]').all()) await clinician.fill(`[id="${await reason.getAttribute('id')}"]`, 'Tolerated amoxicillin twice since; no reaction');
    await clinician.press('Control+Enter', true);
    await clinician.shot('signed');
    const drugs = await ask(`MedicationRequest?patient=${patient}`);
    if (!drugs.entry?.length) note('the prescription is not in the record');
    const tests = await ask(`ServiceRequest?patient=${patient}`);
    if (!tests.entry?.length) note('the laboratory order is not in the record');
    const acts = await ask(`Provenance?target=MedicationRequest/${drugs.entry?.[0]?.resource.id}`);
    if (!acts.entry?.length) note('the prescription has no Provenance');
    await clinician.go(`${root}/patients/${patient}/notes`);
    await clinician.click('main a[href*="/notes/"]:not([href$="/phrases"])');
    const parts = await clinician.page.evaluate(() => [...document.querySelectorAll('form[data-note] textarea')].map((it) => [it.id, it.value]));
    for (const [part, text] of parts) {
      const whole = text.replaceAll('***', 'nothing new').replace(/\{([^|}]*)\|[^}]*\}/g, '$1').trim() || 'Nothing to add.';
      if (whole !== text.trim()) await clinician.fill(`[id="${part}"]`, whole);
    }
    await clinician.click('form[data-note] button[value=sign]');
    await clinician.press('Control+Enter', true);
    await clinician.shot('note-signed');
    const notes = await ask(`DocumentReference?patient=${patient}&docstatus=final`);
    if (!notes.entry?.length && !(await ask(`DocumentReference?patient=${patient}`)).entry?.length) note('the note is not in the record');
  },
};
