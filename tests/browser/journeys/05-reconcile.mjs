// What another record says arrives as a document; it stands apart with a badge until it is reconciled, with the keyboard
// alone: three lists, one decision a row by one key, a review, a signature, Provenance; and all of it can be taken back.

export default {
  number: '05',
  name: 'reconciling three lists of another record',
  keyboard: true,
  async run({ as, org, root, ask, put, note }) {
    const stamp = Date.now();
    const patient = `outside-${stamp}`;
    const subject = { reference: `Patient/${patient}` };
    const hl7 = (system, code) => ({ coding: [{ system: `http://terminology.hl7.org/CodeSystem/${system}`, code }] });
    const drug = (code, text) => ({ coding: [{ system: 'http://www.nlm.nih.gov/research/umls/rxnorm', code, display: text }], text });
    const problem = (code, text) => ({ coding: [{ system: 'http://hl7.org/fhir/sid/icd-10-cm', code, display: text }], text });
    const meta = { source: `urn:oid:2.16.840.1.113883.19.5#doc-${stamp}`, tag: [{ system: 'urn:continuo:origin', code: 'document', display: 'Lakeside General Hospital' }] };
    await put({ resourceType: 'Patient', id: patient, gender: 'female', birthDate: '1961-04-12', name: [{ family: 'Ferreira', given: ['Ana'] }] });
    const condition = (id, code, more = {}) => put({ resourceType: 'Condition', id: `${id}-${stamp}`, subject, code, clinicalStatus: hl7('condition-clinical', 'active'),
      verificationStatus: hl7('condition-ver-status', 'confirmed'), category: [hl7('condition-category', 'problem-list-item')], ...more });
    const request = (id, code, more = {}) => put({ resourceType: 'MedicationRequest', id: `${id}-${stamp}`, subject, status: 'active', intent: 'order', medicationCodeableConcept: code, authoredOn: '2026-01-05', ...more });
    await condition('own-pressure', problem('I10', 'Essential (primary) hypertension'));
    await request('own-metformin', drug('861007', 'metformin hydrochloride 500 MG Oral Tablet'));
    await request('own-lisinopril', drug('314076', 'lisinopril 10 MG Oral Tablet'));
    // What Lakeside says.
    await condition('their-pressure', problem('I10', 'Essential (primary) hypertension'), { meta });
    await condition('their-gout', problem('M10.9', 'Gout, unspecified'), { meta, recordedDate: '2026-02-03' });
    await request('their-metformin', drug('861007', 'metformin hydrochloride 500 MG Oral Tablet'), { meta, dosageInstruction: [{ text: 'One tablet twice a day with meals' }] });
    await request('their-lisinopril', drug('314077', 'lisinopril 20 MG Oral Tablet'), { meta });
    await put({ resourceType: 'AllergyIntolerance', id: `their-penicillin-${stamp}`, meta, patient: subject, criticality: 'high', clinicalStatus: hl7('allergyintolerance-clinical', 'active'),
      verificationStatus: hl7('allergyintolerance-verification', 'confirmed'), code: { text: 'Penicillin' }, recordedDate: '2025-11-30' });

    const clinician = await as('clinician');
    const base = `${root}/patients/${patient}`;
    await clinician.go(base);
    await clinician.sees('Penicillin', 'the allergy that another record tells of');
    await clinician.sees('Lakeside General Hospital', 'the badge of the other record');
    await clinician.shot('apart');
    await clinician.click('main a[href*="/reconcile#"]');
    await clinician.page.waitForSelector('[data-row]');
    const rows = await clinician.page.locator('[data-row]').count();
    if (rows !== 5) note(`${rows} rows are to be decided, not 5`);
    await clinician.shot('side-by-side');
    clinician.begin();
    // One key for each row; the focus leads on by itself, from wherever in the page the link led.
    await clinician.reach('[data-row] input');
    for (let n = 0; n < rows; n += 1) {
      const title = await clinician.page.evaluate(() => document.activeElement.closest('[data-row]')?.querySelector('legend').textContent ?? '');
      await clinician.press(/lisinopril/.test(title) ? 'r' : /metformin/.test(title) ? 'm' : 'k');
    }
    const running = await clinician.page.textContent('[data-running]');
    if (!running.includes('5')) note(`the running count says “${running}”`);
    await clinician.press('Control+Enter', true);
    await clinician.page.waitForSelector('form.sign');
    await clinician.shot('review');
    await clinician.sees('FERREIRA', 'whose lists they are');
    await clinician.press('Control+Enter', true);
    clinician.most(7, 'reconcile five statements of three lists');
    await clinician.shot('signed');
    const is = async (path, check, what) => { if (!check(await ask(path))) note(what); };
    await is(`MedicationRequest/own-lisinopril-${stamp}`, (it) => it.status === 'stopped', 'what was replaced is not stopped');
    await is(`MedicationRequest/own-metformin-${stamp}`, (it) => /meals/.test(it.dosageInstruction?.[0]?.text ?? ''), 'what was merged has not the directions');
    await is(`AllergyIntolerance/their-penicillin-${stamp}`, (it) => it.meta.tag.some((tag) => tag.code === 'reconciled'), 'the allergy was not taken over');
    await is(`Provenance?target=Patient/${patient}`, (it) => it.entry?.some(({ resource }) => resource.activity?.text === 'reconcile' && resource.entity?.length >= 5), 'there is no Provenance of it');
    await clinician.go(`${base}/allergies`);
    await clinician.sees('Penicillin');
    await clinician.go(`${base}/reconcile`);
    await clinician.click('form[action$="/reconcile/undo"] button');
    await is(`MedicationRequest/own-lisinopril-${stamp}`, (it) => it.status === 'active', 'what was taken back is not as it was');
    await clinician.page.waitForSelector('[data-row]');
    await clinician.shot('taken-back');
  },
};
