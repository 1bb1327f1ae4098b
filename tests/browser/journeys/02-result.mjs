// A laboratory result arrives, is read in the inbox, looked at over time, acknowledged, and the patient is told and reads
// it in the portal. A normal one comes over FHIR, the one that matters as the laboratory sends it: HL7 v2 over MLLP.

export default {
  number: '02',
  name: 'a result, from its arrival to the portal',
  keyboard: true,
  async run({ as, loginOf, put, line, root, ask, note }) {
    const patient = loginOf('patient').patient;
    const stamp = Date.now();
    const result = (id, value, code) => put({ resourceType: 'Observation', id, status: 'final', subject: { reference: `Patient/${patient}` },
      category: [{ coding: [{ system: 'http://terminology.hl7.org/CodeSystem/observation-category', code: 'laboratory' }] }],
      code: { coding: [{ system: 'http://loinc.org', code: '2823-3', display: 'Potassium' }], text: 'Potassium' },
      effectiveDateTime: new Date().toISOString(), issued: new Date().toISOString(),
      valueQuantity: { value, unit: 'mmol/L', system: 'http://unitsofmeasure.org', code: 'mmol/L' },
      referenceRange: [{ low: { value: 3.5 }, high: { value: 5.1 } }],
      interpretation: [{ coding: [{ system: 'http://terminology.hl7.org/CodeSystem/v3-ObservationInterpretation', code }] }] });
    const clinician = await as('clinician');
    // What is normal takes one click.
    await result(`journey-normal-${stamp}`, 4.2, 'N');
    await clinician.go(`${root}/inbox?folder=results`);
    const row = `#row-result-journey-normal-${stamp}`;
    clinician.begin();
    await clinician.click(`${row} form.act button`);
    clinician.most(1, 'acknowledge a normal result');
    if (await clinician.page.locator(row).count()) note('the acknowledged result is still there');
    await clinician.shot('acknowledged');
    const known = await ask(`Patient/${patient}`);
    const number = known.identifier.find((it) => it.type?.coding?.[0]?.code === 'MR');
    const now = new Date().toISOString().replace(/[-:T]|\..*/g, '');
    const said = await line([
      `MSH|^~\\&|LAB|BRIGHTWATER|EHR|RIVERSIDE|${now}+0000||ORU^R01^ORU_R01|J${stamp}|P|2.5.1`,
      `PID|1||${number.value}^^^&${number.system}&URI^MR||${known.name[0].family}^${known.name[0].given[0]}||${known.birthDate.replaceAll('-', '')}|F`,
      `OBR|1||F${stamp}^LAB|24321-2^Basic metabolic panel^LN|||${now}+0000|||||||||||||||${now}+0000||LAB|F`,
      `OBX|1|NM|2823-3^Potassium^LN||6.3|mmol/L^^UCUM|3.5-5.1|H|||F|||${now}+0000`,
    ]);
    if (!/MSA\|[AC]A\|/.test(said)) note(`the message was answered ${/MSA\|../.exec(said)?.[0]}`);
    const high = await ask(`Observation?patient=${patient}&code=2823-3&_sort=-_lastUpdated&_count=1`);
    const observation = high.entry?.[0]?.resource;
    if (observation?.valueQuantity?.value !== 6.3) throw new Error('the result of the message is not in the record');
    await clinician.go(`${root}/inbox?folder=results`);
    await clinician.shot('inbox');
    const entry = await clinician.page.locator("li.entry").filter({ hasText: "Basic metabolic panel" }).filter({ hasText: known.name[0].family.toUpperCase() }).first().getAttribute("id");
    await clinician.click(`#${entry} a[data-open]`, false);
    await clinician.page.waitForSelector('article#inbox-item #words, #inbox-item details[data-reply]', { state: 'attached' });
    await clinician.shot('detail');
    const trend = await as('clinician');
    await trend.go(`${root}/patients/${patient}/results/2823-3`);
    await trend.reach('svg .point');
    await trend.press('ArrowLeft');
    if (!(await trend.page.textContent('[data-reader]'))) note('the trend does not read its points');
    await trend.shot('trend');
    await clinician.click('#inbox-item details[data-reply] > summary', false);
    await clinician.fill('#words', `Your potassium is a little high. Please come for another test this week. (${stamp})`);
    await clinician.click('#inbox-item button[value=message]');
    await clinician.shot('told');
    const person = await as('patient');
    await person.go(`${root}/portal/messages`);
    await person.click('main a[href*="/portal/messages/"]:not([href$="/new"])');
    await person.sees(`(${stamp})`, 'the message of the clinician');
    await person.shot('portal');
    const acts = await ask(`Provenance?target=Observation/${observation.id}&_summary=count`);
    if (!(acts.total >= 0)) note('nothing is told of who did it');
  },
};
