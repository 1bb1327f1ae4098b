// A result comes that names nobody of the record: somebody looks for whose it is, says how they know, and it is in the
// chart with who matched it.

export default {
  number: '03',
  name: 'an unmatched result finds its patient',
  async run({ as, org, put, root, ask, note }) {
    const id = `journey-stray-${Date.now()}`;
    await put({ resourceType: 'Observation', id, status: 'final', subject: { display: 'Brightwater Ines', identifier: { value: 'WRONG-MRN-77' } },
      category: [{ coding: [{ system: 'http://terminology.hl7.org/CodeSystem/observation-category', code: 'laboratory' }] }],
      code: { coding: [{ system: 'http://loinc.org', code: '718-7', display: 'Hemoglobin' }], text: 'Hemoglobin' },
      effectiveDateTime: new Date().toISOString(), valueQuantity: { value: 12.9, unit: 'g/dL', system: 'http://unitsofmeasure.org', code: 'g/dL' } });
    const clinician = await as('clinician');
    await clinician.go(`${root}/inbox?folder=unmatched`);
    await clinician.shot('unmatched');
    await clinician.click(`li.entry[id*="${id}"] a[data-open]`, false);
    await clinician.page.waitForSelector('#inbox-item input[name=q]');
    const patient = org.examples[0].patient;
    const it = await ask(`Patient/${patient}`);
    await clinician.fill('#inbox-item input[name=q]', it.name[0].family);
    await clinician.press('Enter', true);
    await clinician.click(`#inbox-item a.hit[href*="to=${patient}"]`);
    await clinician.fill('#inbox-match-confirm #reason', 'The laboratory confirmed the number by telephone');
    await clinician.shot('confirm');
    await clinician.click('#inbox-match-confirm button.primary');
    const matched = await ask(`Observation/${id}`);
    if (matched.subject?.reference !== `Patient/${patient}`) note(`the result is of ${matched.subject?.reference}`);
    const acts = await ask(`Provenance?target=Observation/${id}`);
    const reason = JSON.stringify(acts.entry ?? []);
    if (!reason.includes('by telephone')) note('who matched it, and why, is not in the record');
    await clinician.shot('matched');
  },
};
