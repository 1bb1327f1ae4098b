// After the note a visit is closed in three actions; what was written is read back over FHIR with its Provenance.

export default {
  number: '06',
  name: 'close a visit after its note',
  async run({ as, org, root, ask, note }) {
    const patient = org.examples[2]?.patient ?? org.examples[0].patient;
    const clinician = await as('clinician');
    await clinician.go(`${root}/patients/${patient}/encounters/new`);
    await clinician.press('Control+Enter', true);
    const visit = /encounters\/([^/?#]+)/.exec(clinician.page.url())?.[1];
    if (!visit) throw new Error(`no visit began: ${clinician.page.url()}`);
    await clinician.go(`${root}/patients/${patient}/notes?visit=${visit}`);
    await clinician.click('form[action$="/notes"] button.primary');
    for (const field of await clinician.page.locator('form[data-note] textarea').all()) await field.fill('Seen today; nothing new. Goes on as before.');
    await clinician.click('form[data-note] button[value=sign]');
    await clinician.shot('review');
    await clinician.click('main form[action$="/sign"] button.primary');
    await clinician.go(`${root}/patients/${patient}/encounters/${visit}/summary`);
    await clinician.press('Control+Enter', true);
    await clinician.go(`${root}/patients/${patient}/encounters/${visit}/close`);
    await clinician.shot('checklist');
    clinician.begin();
    await clinician.click('#diagnosis input', false);
    await clinician.click('#level input', false);
    await clinician.press('Control+Enter', true);
    clinician.most(3, 'close a visit after its note');
    await clinician.shot('closed');
    const it = await ask(`Encounter/${visit}`);
    if (it.status !== 'finished') note(`the visit is ${it.status}`);
    const notes = await ask(`DocumentReference?patient=${patient}&_sort=-date&_count=1`);
    const written = notes.entry?.[0]?.resource;
    const acts = await ask(`Provenance?target=DocumentReference/${written?.id}&_summary=count`);
    if (!(acts.total >= 1)) note('the note has no Provenance');
  },
};
