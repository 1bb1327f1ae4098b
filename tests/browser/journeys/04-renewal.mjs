// One medication is renewed: from the list of medications, or from the queue where somebody asked for it.

export default {
  number: '04',
  name: 'renew one medication',
  async run({ as, org, root, ask, note }) {
    let patient;
    let request;
    for (const { patient: id } of org.examples) {
      const it = await ask(`MedicationRequest?patient=${id}&status=active&_count=1`);
      request = it.entry?.[0]?.resource;
      if (request) { patient = id; break; }
    }
    if (!request) throw new Error('nobody of the examples has a medication');
    const before = (await ask(`MedicationRequest?patient=${patient}&_summary=count`)).total;
    const clinician = await as('clinician');
    await clinician.go(`${root}/patients/${patient}/medications`);
    await clinician.shot('medications');
    clinician.begin();
    await clinician.click('form[action$="/basket/renew"] button');
    await clinician.press('Control+Enter', true);
    clinician.most(4, 'renew one medication');
    await clinician.shot('signed');
    const after = (await ask(`MedicationRequest?patient=${patient}&_summary=count`)).total;
    if (!(after > before)) note(`there were ${before} prescriptions and there are ${after}`);
  },
};
