# Farmacias: adónde van las recetas, hasta dónde han llegado, qué piden las farmacias.
pharmacy-favourite = Farmacia habitual
pharmacy-favourite-of = Farmacia habitual de { $name }
pharmacy-none-chosen = No consta ninguna farmacia habitual.
pharmacy-choose-hint = Las recetas van allí salvo que se elija otra en la cesta.
pharmacy-find = Farmacia por nombre
pharmacy-search = Buscar
pharmacy-found = { $count ->
    [0] Ninguna farmacia del directorio se llama así
    [one] Una farmacia
   *[other] { $count } farmacias
}
pharmacy-more = Hay más; escriba parte del nombre.
pharmacy-make-usual = Hacerla la habitual
pharmacy-forget = Sin farmacia habitual
pharmacy-is-usual = Farmacia habitual
pharmacy-back-to-basket = Volver a la cesta

# En la cesta
pharmacy-send-to = Las recetas van a
pharmacy-print = A ninguna: imprimir o llamar
pharmacy-use = Usarla
pharmacy-other = Otra farmacia
pharmacy-not-sent = Las recetas que se firmen ahora no se envían a ninguna farmacia.
pharmacy-no-line = Aquí no hay línea con farmacias: las recetas se registran, no se envían.
pharmacy-code = Código de su aplicación de autenticación, para fármacos controlados
pharmacy-code-hint = Seis cifras. Se pide cada vez que se firma un fármaco controlado.
pharmacy-code-wrong = El código no es correcto. No se firmó nada.
pharmacy-code-none = Los fármacos controlados requieren un segundo factor. Configure antes una aplicación de autenticación en su cuenta.
pharmacy-passkey = Usar su llave de acceso para fármacos controlados y firmar todo
pharmacy-account = Su cuenta
pharmacy-stayed-controlled = Es un fármaco controlado, y desde aquí no se envían a farmacias. Elija «A ninguna: imprimir o llamar» o consulte a quien lleva la configuración.
pharmacy-stayed-unproved = Es un fármaco controlado: escriba el código de su aplicación de autenticación y firme de nuevo.
pharmacy-controlled-factor = Un fármaco controlado se firma en la cesta, donde se pide el segundo factor. No se hizo nada.

# Hasta dónde ha llegado una receta, para el personal
pharmacy-stage-waiting = En espera de envío a { $pharmacy }
pharmacy-stage-sent = Enviada a { $pharmacy }
pharmacy-stage-received = En preparación en { $pharmacy }
pharmacy-stage-refused = No aceptada por { $pharmacy }
pharmacy-stage-not-filled = No entregada por { $pharmacy }
pharmacy-stage-partial = Dispensada en parte en { $pharmacy }
pharmacy-stage-filled = Lista en { $pharmacy }
pharmacy-stage-picked-up = Recogida en { $pharmacy }
pharmacy-stage-withdrawn = Anulada en { $pharmacy }
pharmacy-last-fill = última dispensación
pharmacy-left = { $count ->
    [0] no quedan repeticiones
    [one] queda 1 repetición
   *[other] quedan { $count } repeticiones
}
pharmacy-cancel-asked = Se pidió a { $pharmacy } que no la dispense más
pharmacy-cancel-agreed = { $pharmacy } ya no la dispensará
pharmacy-cancel-denied = { $pharmacy } no la anuló
pharmacy-trouble-no-number = No se envió: la farmacia no tiene número NCPDP en el directorio.
pharmacy-trouble-no-prescriber = No se envió: quien receta no es un profesional del directorio.
pharmacy-trouble-controlled = No se envió: desde aquí no se envían fármacos controlados.
pharmacy-trouble-unproved = No se envió: es un fármaco controlado y al firmar no se mostró un segundo factor.

# Lo mismo para el paciente
pharmacy-own-waiting = De camino a { $pharmacy }
pharmacy-own-sent = Enviada a { $pharmacy }
pharmacy-own-received = En preparación en { $pharmacy }
pharmacy-own-refused = { $pharmacy } no pudo aceptarla. Le llamaremos.
pharmacy-own-not-filled = No entregada en { $pharmacy }. Pregúntenos o pregunte a la farmacia.
pharmacy-own-partial = Una parte está lista en { $pharmacy }
pharmacy-own-filled = Lista en { $pharmacy }
pharmacy-own-picked-up = Recogida en { $pharmacy }
pharmacy-own-withdrawn = Ya no se dispensa en { $pharmacy }
pharmacy-own-none-left = No quedan repeticiones: pídala antes de que se le acabe

# Suspender, y dispensaciones de fuera
pharmacy-stop = Suspender
pharmacy-stop-reason = ¿Por qué se suspende?
pharmacy-stop-send = Suspenderla
pharmacy-stop-hint = Si fue a una farmacia, se le pide que no la dispense más.
pharmacy-history = Dispensaciones en otras farmacias
pharmacy-history-ask = Pedir dispensaciones de fuera
pharmacy-history-consent = El paciente acepta que se pregunte a otras farmacias
pharmacy-history-asked = Pedido el { $when }; aún sin respuesta.
pharmacy-history-found = { $count ->
    [0] Pedido el { $when }: no hay dispensaciones de fuera.
    [one] Pedido el { $when }: una dispensación de fuera. Queda aparte hasta que se concilie.
   *[other] Pedido el { $when }: { $count } dispensaciones de fuera. Quedan aparte hasta que se concilien.
}
pharmacy-history-refused = Pedido el { $when }, sin respuesta: { $note }
pharmacy-history-needs = Pregunte antes al paciente y marque la casilla.
pharmacy-history-waits = Ya se pidió y la respuesta está en camino.

# Lo que piden las farmacias
pharmacy-change = Cambio
pharmacy-asks-more = { $pharmacy } pide más
pharmacy-asks-change = { $pharmacy } pide un cambio
pharmacy-asks-refills = Pide { $count ->
    [one] una repetición
   *[other] { $count } repeticiones
}.
pharmacy-asks-alternatives = Una de { $count } alternativas: aprobar esta rechaza las demás.
pharmacy-instead-of = En lugar de { $name }
pharmacy-quantity = Cantidad
pharmacy-answer-note = La respuesta va a { $pharmacy } por sí sola.
pharmacy-answer-trouble = No se aceptó nuestra respuesta: { $note }
pharmacy-why-generic = Se desea un genérico
pharmacy-why-therapeutic = Se desea otro medicamento del mismo tipo
pharmacy-why-clarification = La receta no está clara
pharmacy-why-authorization = El seguro pide autorización previa
pharmacy-why-use-review = Un control de la farmacia lo desaconseja
pharmacy-why-out-of-stock = Sin existencias
pharmacy-why-provider = Quien receta debe confirmar quién es
