# Cerrar una visita.
closing-title = Cerrar visita
closing-close-for = Cerrar la visita de { $patient }
closing-is-closed = Esta visita está cerrada.
closing-done = hecho
closing-open = pendiente
closing-note-missing = Escribir la nota
closing-note-unsigned = Firmar: { $title }
closing-note-signed = Firmada: { $title }
closing-orders-signed = { $count ->
    [0] Sin órdenes
    [one] Una orden firmada
   *[other] { $count } órdenes firmadas
 }
closing-orders-unsigned = { $count ->
    [one] Firmar una orden de su cesta
   *[other] Firmar { $count } órdenes de su cesta
 }
closing-summary-given = Resumen de la visita entregado
closing-summary-missing = Entregar el resumen de la visita
closing-diagnoses = Diagnósticos de esta visita, el principal primero
closing-no-problems = No hay problemas activos. Añada primero el diagnóstico a la lista de problemas.
closing-level = Nivel de la visita
closing-established-1 = Paciente conocido, sin médico
closing-established-2 = Paciente conocido, sencilla
closing-established-3 = Paciente conocido, complejidad baja
closing-established-4 = Paciente conocido, complejidad moderada
closing-established-5 = Paciente conocido, complejidad alta
closing-new-2 = Paciente nuevo, sencilla
closing-new-3 = Paciente nuevo, complejidad baja
closing-new-4 = Paciente nuevo, complejidad moderada
closing-new-5 = Paciente nuevo, complejidad alta
closing-preventive = Visita preventiva
closing-none = Sin cargo
closing-follow-up = Próxima visita
closing-no-follow-up = No hace falta
closing-weeks = { $count ->
    [one] En una semana
   *[other] En { $count } semanas
 }
closing-reason = ¿Por qué se cierra si arriba queda algo pendiente?
closing-reason-hint = Solo hace falta mientras quede algo pendiente.
closing-error-diagnosis = Elija al menos un diagnóstico.
closing-error-level = Elija el nivel de la visita.
closing-error-reason = Queda algo pendiente. Hágalo primero o diga por qué se cierra sin ello.
closing-error-changed = Alguien cambió esta visita entretanto. Vuelva a mirarla.
