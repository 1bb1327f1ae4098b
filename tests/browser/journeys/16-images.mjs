// Images are ordered with what was made before in view; the report of the imaging centre comes over the line as a file, is
// read, and the order is done. No archive is connected in a demonstration, and the page says what that means.

const heads = { resourceType: 'DiagnosticReport', status: 'final', category: [{ coding: [{ system: 'http://terminology.hl7.org/CodeSystem/v2-0074', code: 'RAD' }] }],
  code: { coding: [{ system: 'http://loinc.org', code: '30799-1' }], text: 'CT of the head without contrast' }, conclusion: 'No bleeding a month ago.' };

export default {
  number: '16',
  name: 'images, from the order to the report',
  async run({ as, loginOf, put, line, root, ask, note }) {
    const patient = loginOf('patient').patient;
    const stamp = Date.now();
    const earlier = `journey-head-${stamp}`;
    await put({ ...heads, id: earlier, subject: { reference: `Patient/${patient}` }, effectiveDateTime: new Date(stamp - 30 * 86_400_000).toISOString() });
    const clinician = await as('clinician');
    await clinician.go(`${root}/patients/${patient}/basket?tab=imaging&q=head+ct`);
    await clinician.click('.hits form.act button');
    await clinician.sees('Earlier images of the same part of the body');
    await clinician.sees('No bleeding a month ago.', 'the earlier report');
    await clinician.shot('earlier');
    await clinician.click(`ul.earlier-images a[href$="/reports/DiagnosticReport/${earlier}"]`);
    await clinician.shot('earlier-report');
    await clinician.go(`${root}/patients/${patient}/basket?tab=imaging`);
    await clinician.press('Control+Enter', true);
    const orders = await ask(`ServiceRequest?patient=${patient}&_sort=-_lastUpdated&_count=1`);
    const order = orders.entry?.[0]?.resource;
    const number = order?.identifier?.find((it) => it.type?.coding?.[0]?.code === 'ACSN')?.value;
    if (!number) throw new Error('the order has no accession number');
    const known = await ask(`Patient/${patient}`);
    const mrn = known.identifier.find((it) => it.type?.coding?.[0]?.code === 'MR');
    const now = new Date().toISOString().replace(/[-:T]|\..*/g, '');
    const said = await line([
      `MSH|^~\\&|RIS|LAKESIDE|EHR|RIVERSIDE|${now}+0000||ORU^R01^ORU_R01|I${stamp}|P|2.5.1`,
      `PID|1||${mrn.value}^^^&${mrn.system}&URI^MR||${known.name[0].family}^${known.name[0].given[0]}||${known.birthDate.replaceAll('-', '')}|F`,
      `OBR|1|${number}|FI${stamp}^RIS|30799-1^CT of the head without contrast^LN|||${now}+0000|||||||||||${number}||||${now}+0000||RAD|F`,
      'OBX|1|FT|30799-1^CT of the head^LN||No bleeding today.||||||F',
      `OBX|2|ED|PDF^Report||RIS^application^pdf^Base64^${Buffer.from('%PDF-1.4\n%%EOF\n').toString('base64')}||||||F`,
    ]);
    if (!/MSA\|AA\|/.test(said)) note(`the message was answered ${/MSA\|../.exec(said)?.[0]}`);
    for (let tries = 0; tries < 60; tries += 1) {
      if ((await ask(`ServiceRequest/${order.id}`)).status === 'completed') break;
      await new Promise((done) => { setTimeout(done, 250); });
    }
    if ((await ask(`ServiceRequest/${order.id}`)).status !== 'completed') note('the report did not end the order');
    await clinician.go(`${root}/patients/${patient}/imaging`);
    await clinician.sees('No image archive is connected.', 'what to do about pictures');
    await clinician.shot('list');
    await clinician.click('.imaging-list tbody tr:first-child .imaging-report a');
    await clinician.sees('No bleeding today.', 'the report');
    await clinician.shot('report');
    await clinician.click('a.button[href*="/documents/"]');
    await clinician.shot('document');
  },
};
