# Lo que dicen otros expedientes y cómo se concilia.
reconcile-title = Conciliar con otros expedientes
reconcile-from = de
reconcile-waiting = { $count ->
    [one] De otros expedientes: 1, sin conciliar
   *[other] De otros expedientes: { $count }, sin conciliar
}
reconcile-go = Conciliar
reconcile-allergies-told = Otros expedientes hablan de alergias:
reconcile-not-looked-at = Aquí nadie lo ha revisado todavía.
reconcile-none = No hay nada pendiente de otros expedientes. Lo que llega con documentos o de otras organizaciones se muestra aquí hasta que alguien decida.
reconcile-sources = De dónde
reconcile-way-document = documento
reconcile-way-record = expediente
reconcile-statements = { $count ->
    [one] 1 dato
   *[other] { $count } datos
}
reconcile-changed-on = último cambio
reconcile-keys = Con el teclado: Tab lleva de una decisión a la siguiente. Allí K, M, R, D e I deciden y siguen adelante; Ctrl Intro pasa a la revisión.
reconcile-rows = { $count ->
    [one] 1 por decidir
   *[other] { $count } por decidir
}
reconcile-not-yours = Puede ver lo pendiente; decide quien firma órdenes.
reconcile-here = Este expediente
reconcile-there = Otros expedientes
reconcile-this-record = este expediente
reconcile-not-here = No está en este expediente
reconcile-only-here = { $count ->
    [one] 1 más solo en este expediente
   *[other] { $count } más solo en este expediente
}
reconcile-not-any-more = Ya no es así
reconcile-copies = dicho { $count } veces
reconcile-readings = { $count ->
    [one] 1 resultado
   *[other] { $count } resultados
}
reconcile-more = y { $count } más
reconcile-critical = crítico
reconcile-value = Valor
reconcile-range = Intervalo de referencia
reconcile-by-code = Mismo código
reconcile-by-ingredient = Misma sustancia
reconcile-by-text = Palabras parecidas: compruebe que se trata de lo mismo
reconcile-same = Ambos dicen lo mismo
reconcile-decide = Qué se hace con { $what }
reconcile-keep = Mantener lo nuestro
reconcile-add = Añadir a este expediente
reconcile-merge = Combinar
reconcile-replace = Sustituir lo nuestro
reconcile-discontinue = Suspender
reconcile-add-past = Añadir como anterior
reconcile-ignore = Descartar
reconcile-suggested = sugerido
reconcile-count = { $done } de { $count } decididos
reconcile-suggest = Aceptar las sugerencias
reconcile-save = Guardar para después
reconcile-review = Revisar
reconcile-review-title = Revisar lo decidido
reconcile-back = Volver a las decisiones
reconcile-open = { $count ->
    [one] Un dato está sin decidir. Queda aparte hasta que alguien decida.
   *[other] { $count } datos están sin decidir. Quedan aparte hasta que alguien decida.
}
reconcile-left = { $count ->
    [one] Un dato se queda en el expediente de donde vino.
   *[other] { $count } datos se quedan en los expedientes de donde vinieron.
}
reconcile-fate = Qué cambia
reconcile-fate-stays = queda igual
reconcile-fate-added = añadido
reconcile-fate-merged = combinado
reconcile-fate-replaced = sustituido
reconcile-fate-ended = terminado
reconcile-fate-waits = pendiente
reconcile-source = Origen
reconcile-note = Observación (opcional)
reconcile-sign = Firmar para { $patient }
reconcile-nothing = Todavía no hay nada decidido. Vuelva y decida al menos sobre un dato.
reconcile-changed = Algo cambió mientras tanto, así que no se escribió nada. Vuelva y mire lo que hay ahora.
reconcile-last = Última conciliación el { $when }: { $count ->
    [one] una entrada
   *[other] { $count } entradas
}
reconcile-last-undone = Última conciliación deshecha el { $when }: { $count ->
    [one] una entrada
   *[other] { $count } entradas
}
reconcile-undo = Deshacer
reconcile-done = Firmado. Las listas están al día.
reconcile-undone = Deshecho. Todo está como antes.
