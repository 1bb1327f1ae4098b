// What must not take many actions: a favourite laboratory test is ordered, and vital signs fit on one screen.

export default {
  number: '15',
  name: 'few actions for what is done all day',
  async run({ as, org, root, ask, note }) {
    const patient = org.examples[0].patient;
    const clinician = await as('clinician');
    const basket = `${root}/patients/${patient}/basket?tab=lab`;
    await clinician.go(basket);
    // A favourite is made once.
    await clinician.fill('#order-q', 'hba1c');
    await clinician.press('Enter', true);
    await clinician.click('.hits form.act button');
    await clinician.click('section.basket form[action$="/basket/favourite"] button:has-text("A1c")');
    await clinician.go(basket);
    const before = (await ask(`ServiceRequest?patient=${patient}&_summary=count`)).total;
    await clinician.click('form[action$="/basket/remove"] button');
    await clinician.go(basket);
    clinician.begin();
    await clinician.click('.favourites form[action$="/basket/add"] button');
    await clinician.press('Control+Enter', true);
    clinician.most(3, 'order a favourite laboratory test');
    await clinician.shot('favourite');
    const after = (await ask(`ServiceRequest?patient=${patient}&_summary=count`)).total;
    if (!(after > before)) note(`there were ${before} orders and there are ${after}`);
    const nurse = await as('nurse');
    await nurse.go(`${root}/patients/${patient}/vitals/new`);
    await nurse.shot('vitals');
    for (const field of ['weight', 'height', 'temperature', 'systolic', 'diastolic', 'pulse', 'breaths', 'saturation']) {
      if (!(await nurse.page.locator(`#${field}`).count())) note(`there is no ${field} on the screen for vital signs`);
    }
  },
};
