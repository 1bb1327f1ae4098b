// One person registered twice: the pair comes into the queue by itself, the practice administrator sees why, merges the
// two with a reason, everything follows, and taking it back puts everything where it was.

export default {
  number: '12',
  name: 'two records of one person are merged, and separated again',
  async run({ as, root, ask, put, note }) {
    const stamp = Date.now();
    const [stays, goes] = [`first-${stamp}`, `second-${stamp}`];
    const family = `Brandtner${String.fromCharCode(97 + (stamp % 26))}${String.fromCharCode(97 + ((stamp >> 5) % 26))}`;
    const home = { use: 'home', line: ['17 Quarry Lane'], city: 'Larkmoor', state: 'OH', postalCode: '43990' };
    const phone = { system: 'phone', use: 'mobile', value: `(513) 555-0${String(100 + (stamp % 900))}` };
    const person = (id, more) => put({
      resourceType: 'Patient', id, active: true, gender: 'female', address: [home], telecom: [phone],
      name: [{ use: 'official', family, given: ['Ottilie'] }], ...more,
    });
    await person(stays, { birthDate: '1957-03-09', maritalStatus: { text: 'widowed' }, communication: [{ language: { text: 'German' } }] });
    await person(goes, { birthDate: '1957-09-03' });
    const weight = (id, of, value) => put({
      resourceType: 'Observation', id, status: 'final', subject: { reference: `Patient/${of}` }, effectiveDateTime: '2026-10-01',
      category: [{ coding: [{ system: 'http://terminology.hl7.org/CodeSystem/observation-category', code: 'vital-signs' }] }],
      code: { coding: [{ system: 'http://loinc.org', code: '29463-7', display: 'Body weight' }] },
      valueQuantity: { value, unit: 'kg', system: 'http://unitsofmeasure.org', code: 'kg' },
    });
    await weight(`own-${stamp}`, stays, 61.5);
    await weight(`other-${stamp}`, goes, 62.25);
    const before = await ask(`Patient/${goes}`);

    const admin = await as('practice-admin');
    const { page } = admin;
    const shown = family.toUpperCase();
    let pair = null;
    // The pair is found a few seconds after the second registration.
    for (let tries = 0; tries < 20 && !pair; tries += 1) {
      await admin.go(`${root}/admin/duplicates`);
      const card = page.locator('main section, main article, main li').filter({ hasText: shown }).last();
      pair = await card.locator('a[href*="/admin/duplicates/"]').first().getAttribute('href', { timeout: 500 }).catch(() => null);
      if (!pair) await page.waitForTimeout(500);
    }
    if (!pair) throw new Error('the pair is not in the queue');
    await admin.shot('queue');
    admin.begin();
    await admin.click(`a[href="${pair}"]`);
    await admin.sees(shown, 'whom it is about');
    await admin.shot('side-by-side');
    await admin.fill('form[action$="/merge"] textarea[name=reason]', 'Same person: day and month were swapped at the desk.');
    await admin.click('form[action$="/merge"] button[type=submit]');
    admin.most(3, 'merge two records');
    await admin.shot('merged');
    const about = async (id) => (await ask(`Observation/${id}-${stamp}`)).subject.reference;
    const survivor = await about('own');
    if ((await about('other')) !== survivor) note('what was written of the second record did not follow');
    const lost = await ask(`Patient/${survivor.endsWith(goes) ? stays : goes}`);
    if (lost.active !== false || lost.link?.[0]?.type !== 'replaced-by') note('the record that went does not say so');

    admin.begin();
    await admin.fill('form[action*="/admin/merges/"] textarea[name=reason]', 'They are two cousins after all.');
    await admin.click('form[action*="/admin/merges/"] button[type=submit]');
    admin.most(2, 'separate them again');
    await admin.shot('separated');
    if ((await about('own')) !== `Patient/${stays}` || (await about('other')) !== `Patient/${goes}`) note('not everything went back');
    const plain = ({ meta, ...rest }) => JSON.stringify(rest);
    if (plain(await ask(`Patient/${goes}`)) !== plain(before)) note('the second record is not as it was');
  },
};
