# Palabras de las páginas de esta familia.
chart-summary = Resumen
chart-chart-summary = Resumen del expediente
chart-problems = Problemas
chart-medications = Medicamentos
chart-allergies = Alergias
chart-immunizations = Vacunas
chart-vitals = Signos vitales
chart-results = Resultados
chart-visits = Visitas
chart-documents = Documentos
chart-all = Todas
chart-no-active-problems = Sin problemas activos.
chart-no-problems-recorded = No hay problemas registrados.
chart-no-current-medications = Sin medicamentos actuales.
chart-no-medications-recorded = No hay medicamentos registrados.
chart-no-active-allergies-past-ones = Sin alergias activas; las pasadas están en la sección.
chart-nobody-has-recorded-allergies-nor = Nadie ha registrado alergias, ni que no las haya.
chart-no-immunizations-recorded = No hay vacunas registradas.
chart-no-vital-signs-recorded = No hay signos vitales registrados.
chart-no-laboratory-results-recorded = No hay resultados de laboratorio registrados.
chart-no-visits-recorded = No hay visitas registradas.
chart-no-documents = No hay documentos.
chart-timeline = Cronología
chart-nothing-has-happened-here-yet = Aquí todavía no ha pasado nada.
chart-show = Mostrar
chart-time = Tiempo
chart-nothing-of-these-kinds-happened = En este tiempo no pasó nada de estos tipos.
chart-visits-newest-first = Visitas, las más recientes primero
chart-updated = Actualizado el
chart-entered-in-error = Registrado por error
chart-3-months = 3 meses
chart-1-year = 1 año
chart-3-years = 3 años
chart-10-years = 10 años
chart-latest-result-of-each-test = Último resultado de cada prueba
chart-by-date = Por fecha
chart-no-results-before-this-date = No hay resultados antes de esta fecha.
chart-dates = Fechas
chart-newest = Lo más reciente
chart-earlier-than = Antes de
chart-latest-vital-signs = Últimos signos vitales
chart-trend = Tendencia
chart-time-shown = Tiempo mostrado
chart-nothing-was-measured-in-this = No se midió nada en este tiempo.
chart-older-values-are-not-shown = No se muestran valores más antiguos.
chart-documents-newest-first = Documentos, los más recientes primero
chart-document = Documento
chart-all-documents = Todos los documentos
chart-this-document-was-entered-in = Este documento se registró por error.
chart-a-newer-document-replaces-this = Un documento más reciente reemplaza a este.
chart-kind = Tipo
chart-date = Fecha
chart-author = Autor
chart-kept-by = Conservado por
chart-status = Estado
chart-preliminary = Preliminar
chart-nothing-is-attached-to-this = Este documento no tiene nada adjunto.
chart-as-written-by-the-sender = Como lo escribió el remitente
chart-is-kept-elsewhere-and-cannot = se conserva en otro lugar y no puede abrirse desde aquí.
chart-the-sender-did-not-include = : el remitente no incluyó el contenido.
chart-open = Abrir
chart-text = Texto
chart-web-page = Página web
chart-xml-document = Documento XML
chart-image = Imagen
chart-sound = Sonido
chart-file = Archivo
chart-patient = Paciente
chart-deceased = Fallecido
chart-restricted = Restringido
chart-record-not-in-use = Expediente fuera de uso
chart-born = Nacimiento
chart-not-recorded = no registrado
chart-lived = vivió
chart-sex-not-recorded = Sexo no registrado
chart-no-mrn = Sin n.º de expediente
chart-about-the-patient = Sobre el paciente
chart-weight = Peso
chart-primary-clinician = Profesional principal
chart-language = Idioma
chart-coverage = Seguro
chart-last-visit = Última visita
chart-here-now = Está aquí
chart-none-recorded = ninguna registrada
chart-next-visit = Próxima visita
chart-none-booked = ninguna reservada
chart-interpreter = intérprete
chart-interpreter-needed = Necesita intérprete
chart-asked-and-recorded = Preguntado y registrado
chart-no-active-allergies-2 = Sin alergias activas
chart-allergies-not-recorded = Alergias no registradas
chart-ask-before-prescribing = Pregunte antes de recetar
chart-see-all = Ver todo
chart-on-hold = En pausa
chart-since = desde
chart-reported = Informado
chart-no-directions-recorded = Sin indicaciones registradas
chart-high-risk-2 = Riesgo alto
chart-low-risk = Riesgo bajo
chart-risk-not-assessed = Riesgo no evaluado
chart-reaction-not-recorded = Reacción no registrada
chart-not-given = No administrada
chart-planned = Planeada
chart-cancelled = Cancelada
chart-visit = Visita
chart-length = Duración
chart-clinician = Profesional
chart-place = Lugar
chart-superseded = Reemplazado
chart-up-from = sube desde
chart-down-from = baja desde
chart-the-same-as = igual que
chart-sign = Signo
chart-latest = Último
chart-test = Prueba
chart-usual = · habitual
chart-reference-range = Intervalo de referencia
chart-before = Antes
chart-not-sent = no enviado
chart-value = Valor
chart-remarks = Observaciones
chart-results-by-date = Resultados por fecha
chart-results-by-date-newest-first = Resultados por fecha, los más recientes primero
chart-there-is-nothing-to-draw = No hay nada que dibujar: ningún resultado de este tiempo es un número. La tabla contiene lo enviado.
chart-in = En
chart-reference-range-as-sent = Intervalo de referencia como se envió
chart-high-low-critical-abnormal = ▲ alto, ▼ bajo, ◆ crítico, ■ anormal
chart-drawn-from-the-lowest-and = Dibujado con el más bajo y el más alto de cada tramo; la tabla tiene todos los valores.
chart-events-over-time-the-list = Eventos en el tiempo; la lista de abajo contiene lo mismo
chart-corrected = Corregido
chart-of-the-past = pasado
chart-past-allergies = { $count ->
    [one] 1 alergia pasada en el expediente
   *[other] { $count } alergias pasadas en el expediente
}
chart-and-more = y { $count } más
chart-high-risks = { $count ->
    [one] 1 de riesgo alto
   *[other] { $count } de riesgo alto
}
chart-was-before = antes:
chart-flag-critically-high = críticamente alto
chart-flag-critically-low = críticamente bajo
chart-flag-critically-abnormal = críticamente anormal
chart-flag-high = alto
chart-flag-low = bajo
chart-flag-abnormal = anormal
chart-flag-normal = normal
chart-status-unknown = Estado desconocido
chart-reference = Referencia { $range }
chart-point-reference = (referencia { $range })
chart-over-time = { $name } en el tiempo; los mismos valores están en la tabla de abajo
chart-other-units = { $count ->
    [one] 1 valor en otra unidad no se une; vea la tabla.
   *[other] { $count } valores en otra unidad no se unen; vea la tabla.
}
chart-spark = Los últimos { $count } valores, entre { $low } y { $high }
chart-active = { $count ->
    [one] 1 activo
   *[other] { $count } activos
}
chart-current-count = { $count ->
    [one] 1 actual
   *[other] { $count } actuales
}
chart-abnormal-of = { $abnormal } de { $count } anormales
chart-tests = { $count ->
    [one] 1 prueba
   *[other] { $count } pruebas
}
chart-all-tests = Las { $count } pruebas
chart-all-of = Los { $count }
chart-past-count = { $count } pasados
chart-events = { $count ->
    [one] 1 evento
   *[other] { $count } eventos
}
chart-every-value = { $name } – todos los valores, los más recientes primero
chart-hidden = { $what }: no se muestra para su rol.
chart-limit = Hay más de los { $count } que se muestran aquí.
chart-bytes = { $count } bytes
chart-back-to = Todos los
chart-source = Origen
chart-source-here = Registrado aquí
chart-density = Densidad
chart-density-years = Años
chart-density-months = Meses
chart-density-days = Días
chart-arrange = Ordenar estas tarjetas
chart-arranged = Terminar de ordenar
chart-card-up = Mover antes
chart-card-down = Mover después
chart-card-open = Abrir esta tarjeta
chart-card-fold = Plegar esta tarjeta
chart-note = Nota adhesiva
chart-note-own = solo usted la ve
chart-note-label = Nota para usted en este expediente
chart-note-hint = Un recordatorio para usted. No es parte del expediente.
chart-note-keep = Guardar
chart-orders = Órdenes y derivaciones abiertas
chart-no-orders = No hay órdenes abiertas.
chart-open-count = { $count ->
    [one] 1 abierta
   *[other] { $count } abiertas
}
chart-referral = Derivación
chart-order-draft = Borrador
chart-team = Equipo de atención
chart-no-team = No hay equipo de atención registrado.
chart-part-2 = 42 CFR Parte 2
chart-wishes = Voluntades

# What is coded, in words
chart-class-office = Consulta
chart-class-emergency = Urgencias
chart-class-inpatient = Hospitalización
chart-class-observation = Estancia en observación
chart-class-home = Visita a domicilio
chart-class-remote = Visita a distancia
chart-class-short = Estancia corta
chart-class-pre-admission = Preingreso
chart-no-known-allergies = Sin alergias conocidas
chart-value-not-sent = no enviado
chart-value-waveform = Trazado
chart-no-value = Sin valor: { $why }
chart-dose = dosis { $dose }
chart-dose-of = dosis { $dose } de { $all }
chart-results-count = { $count ->
    [one] 1 resultado
   *[other] { $count } resultados
}
chart-results-abnormal = { $count ->
    [one] 1 resultado, { $abnormal } anormal
   *[other] { $count } resultados, { $abnormal } anormales
}
chart-until = Hasta el { $date }
