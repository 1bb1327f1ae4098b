// One medication is renewed: from the list of medications, to the pharmacy and back; and from the queue, where the
// pharmacy asked for it. Whoever looks after interfaces sees the messages, the patient sees how far it has come.

/** Looks again until it is so. */
async function until(person, path, want, seconds, what) {
  for (const end = Date.now() + seconds * 1_000; ;) {
    await person.go(path);
    if (await person.page.$(want)) return;
    if (Date.now() > end) throw new Error(`${what}: there is no ${want} on ${path} after ${seconds} s`);
    await new Promise((resolve) => { setTimeout(resolve, 1_000); });
  }
}

export default {
  number: '04',
  name: 'renew one medication',
  async run({ as, org, root, ask, put, loginOf, note }) {
    const own = loginOf('patient')?.patient;
    const examples = org.examples.map((it) => it.patient).sort((a, b) => (b === own) - (a === own));
    let patient;
    let request;
    for (const id of examples) {
      const it = await ask(`MedicationRequest?patient=${id}&status=active&_count=1`);
      request = it.entry?.[0]?.resource;
      if (request) { patient = id; break; }
    }
    if (!request) throw new Error('nobody of the examples has a medication');
    const before = (await ask(`MedicationRequest?patient=${patient}&_summary=count`)).total;
    const clinician = await as('clinician');
    const chart = `${root}/patients/${patient}`;

    // The usual pharmacy, once for every prescription to come.
    await clinician.go(`${chart}/pharmacy`);
    if (!await clinician.page.$('.lead form')) await clinician.click('form.act[action$="/pharmacy"] button');
    await clinician.shot('usual-pharmacy');

    await clinician.go(`${chart}/medications`);
    await clinician.shot('medications');
    clinician.begin();
    await clinician.click('form[action$="/basket/renew"] button');
    await clinician.shot('basket');
    await clinician.press('Control+Enter', true);
    clinician.most(4, 'renew one medication');
    await clinician.shot('signed');
    const after = (await ask(`MedicationRequest?patient=${patient}&_summary=count`)).total;
    if (!(after > before)) note(`there were ${before} prescriptions and there are ${after}`);

    // It goes to the pharmacy, which fills it and hands it out.
    await until(clinician, `${chart}/medications`, '.course[data-stage="received"], .course[data-stage="filled"]', 25, 'the pharmacy has it');
    await until(clinician, `${chart}/medications`, '.course[data-stage="picked-up"]', 45, 'it is picked up');
    await clinician.shot('picked-up');
    const dispensed = (await ask(`MedicationDispense?patient=${patient}&status=completed&_sort=-_lastUpdated&_count=1`)).entry?.[0]?.resource;
    if (!dispensed?.whenHandedOver || !dispensed.performer) note('the fill is not in the record');
    if (patient === own) {
      const person = await as('patient');
      await person.go(`${root}/portal/`);
      if (!await person.page.$('.course[data-stage="picked-up"]')) note('the patient does not see how far it has come');
      await person.shot('portal');
    }

    // A prescription without refills: the pharmacy asks for more, the clinician answers from the queue.
    const last = (await ask(`MedicationRequest?patient=${patient}&status=active&_sort=-_lastUpdated&_count=1`)).entry[0].resource;
    const asked = { ...last, id: `journey-04-${Date.now()}`, meta: undefined, authoredOn: new Date().toISOString(),
      medicationCodeableConcept: { text: 'loratadine 10 mg tablet' }, priorPrescription: undefined, basedOn: undefined,
      dispenseRequest: { ...last.dispenseRequest, numberOfRepeatsAllowed: 0 } };
    await put(asked);
    await until(clinician, `${root}/renewals`, 'a[href*="/renewals/"]:text("loratadine")', 60, 'the pharmacy asks for more');
    await clinician.shot('queue');
    clinician.begin();
    await clinician.click('a[href*="/renewals/"]:text("loratadine")');
    await clinician.sees('asks for more');
    await clinician.shot('request');
    await clinician.press('Control+Enter', true);
    clinician.most(2, 'answer a request of a pharmacy');
    const renewed = (await ask(`MedicationRequest?patient=${patient}&status=active&_sort=-_lastUpdated&_count=1`)).entry[0].resource;
    if (!renewed.basedOn || renewed.dispenseRequest?.performer?.reference !== asked.dispenseRequest.performer?.reference) {
      note('what was approved does not go back to the pharmacy');
    }
    // What is stopped is cancelled there.
    await until(clinician, `${chart}/medications`, `tr:has(input[value="${renewed.id}"]) .course`, 25, 'the answer was sent');
    await clinician.page.click(`tr:has(input[value="${renewed.id}"]) summary:text("Stop")`);
    await clinician.page.fill(`#stops-${renewed.id}`, 'Not needed any more');
    await clinician.click(`tr:has(#stops-${renewed.id}) button.danger`);
    await clinician.shot('stopped');

    const engineer = await as('integration-engineer');
    await until(engineer, `${root}/interfaces/messages?kind=CancelRxResponse`, 'td, .line', 25, 'the messages are in the console');
    await engineer.go(`${root}/interfaces/messages?kind=RxRenewalRequest`);
    await engineer.shot('console');
    await engineer.sees('RxRenewalRequest');
  },
};
