# Words of the console of interfaces.
interfaces-title = Interfaces
interfaces-channels = Canales
interfaces-messages = Mensajes
interfaces-errors = Errores
interfaces-bench = Banco de pruebas
interfaces-channel = Canal
interfaces-standing = Estado
interfaces-hour = Última hora
interfaces-total = Mensajes
interfaces-last = Último mensaje
interfaces-first = Primero
interfaces-never = ninguno todavía
interfaces-no-channels = No hay ningún canal. Añada uno en la configuración, en channel.
interfaces-channels-count = { $count ->
    [one] 1 canal
   *[other] { $count } canales
}
interfaces-failed-count = { $count ->
    [one] Falló 1 mensaje.
   *[other] Fallaron { $count } mensajes.
}
interfaces-see-errors = Ver qué ocurre
interfaces-errors-count = { $count ->
    [one] 1 error
   *[other] { $count } errores
}
interfaces-not-listening = no escucha
interfaces-mutual = TLS, con certificado del remitente
interfaces-silent = Demasiado tiempo en silencio
interfaces-reused-count = { $count ->
    [one] 1 número se usó dos veces hoy
   *[other] { $count } números se usaron dos veces hoy
}
interfaces-waiting = { $count ->
    [one] 1 mensaje espera
   *[other] { $count } mensajes esperan
}
interfaces-connections = { $count ->
    [one] 1 conexión
   *[other] { $count } conexiones
}
interfaces-run = Iniciar
interfaces-pause = Pausar
interfaces-stop = Detener
interfaces-test = Probar
interfaces-running = En marcha
interfaces-paused = En pausa
interfaces-stopped = Detenido
interfaces-starting = Iniciando
interfaces-troubled = No puede escuchar
interfaces-hour-count = { $count ->
    [one] 1 mensaje en la última hora
   *[other] { $count } mensajes en la última hora
}
interfaces-state-done = Hecho
interfaces-state-failed = Falló
interfaces-state-held = En espera
interfaces-state-replaced = Reenviado con cambios
interfaces-state-skipped = Omitido
interfaces-state-ignored = Nada que hacer
interfaces-cause = Causa
interfaces-cause-unreadable = No es un mensaje HL7: falta MSH
interfaces-cause-no-kind = No dice qué tipo de mensaje es
interfaces-cause-version = Una versión que no se lee aquí
interfaces-cause-no-patient = No dice de qué paciente trata
interfaces-cause-nothing-mapped = Nada de su contenido tiene correspondencia
interfaces-cause-control-id-reused = Su número (MSH-10) ya se usó para otro mensaje
interfaces-cause-busy = Lo que modifica se estaba modificando
interfaces-cause-internal = No se pudo escribir
interfaces-cause-unknown = Desconocida
interfaces-cause-invalid = { $element } no es coherente
interfaces-how-many = Cuántos
interfaces-by-cause = Por causa, las más frecuentes primero
interfaces-no-errors = Todo está bien. Lo que falle a partir de ahora aparecerá aquí por su causa.
interfaces-replay-all = Procesar todos de nuevo
interfaces-still-failed = { $count ->
    [one] 1 mensaje sigue fallando.
   *[other] { $count } mensajes siguen fallando.
}
interfaces-received = Recibido
interfaces-kind = Tipo
interfaces-control = Número (MSH-10)
interfaces-sender = Remitente
interfaces-became = Qué fue de él
interfaces-any = Cualquiera
interfaces-from = Desde
interfaces-to = Hasta
interfaces-show = Mostrar
interfaces-clear = Borrar
interfaces-no-messages = Ningún mensaje de este tipo. Pida menos o espere a que llegue uno.
interfaces-newest-first = Los más recientes primero
interfaces-replay-ticked = Procesar de nuevo los marcados
interfaces-tick = Marcar el mensaje { $control }
interfaces-pages = Páginas
interfaces-newest = Más recientes
interfaces-earlier = Anteriores
interfaces-message = Mensaje
interfaces-all-messages = Todos los mensajes
interfaces-masked = Se oculta de quién trata: las cifras se muestran como 9 y las letras como x.
interfaces-raw = Tal como llegó
interfaces-answer = Respuesta
interfaces-changes = Qué cambió
interfaces-notes = Notas de la correspondencia
interfaces-notes-count = { $count ->
    [one] 1 nota
   *[other] { $count } notas
}
interfaces-no-notes = Se leyó todo su contenido.
interfaces-tree = Segmentos y campos
interfaces-no-answer = No se pidió respuesta.
interfaces-nothing-changed = No cambió nada.
interfaces-unchanged = { $count ->
    [one] 1 recurso no decía nada nuevo.
   *[other] { $count } recursos no decían nada nuevo.
}
interfaces-version-number = versión { $number }
interfaces-sent = Enviado
interfaces-version = Versión de HL7
interfaces-size = Tamaño
interfaces-bytes = { $count ->
    [one] 1 byte
   *[other] { $count } bytes
}
interfaces-fields = Campos
interfaces-mapped = { $mapped } de { $fields } campos con contenido tienen correspondencia.
interfaces-made = { $count ->
    [one] 1 recurso.
   *[other] { $count } recursos.
}
interfaces-attempts = Veces procesado
interfaces-patient = Paciente
interfaces-of-patient = Todos los mensajes sobre este paciente
interfaces-original = Hecho a partir de
interfaces-replaced-by = Reenviado como
interfaces-reason = Motivo
interfaces-doing = Qué hacer
interfaces-replay = Procesarlo de nuevo
interfaces-edit = Reenviarlo con cambios
interfaces-edit-lead = El original queda tal como llegó. Un lugar se escribe como PID-3.4 u OBX[2]-5.
interfaces-place = Lugar
interfaces-text = Texto nuevo
interfaces-resubmit = Reenviar
interfaces-skip = Omitirlo
interfaces-skip-it = Omitir
interfaces-no-place = En uno de esos lugares no hay nada que se pueda cambiar.
interfaces-no-change = No se cambió nada.
interfaces-no-reason = Diga por qué se omite.
interfaces-unreadable = Esto no es un mensaje HL7: debe empezar por MSH.
interfaces-bench-lead = Lo que se pega aquí se lee y se interpreta como en el canal. No se guarda nada.
interfaces-try = Probar
interfaces-in = Entra
interfaces-out = Sale
interfaces-way = Sentido
interfaces-folder = una carpeta
interfaces-simulated = dentro de este programa
interfaces-unreached = Sin conexión
interfaces-ready = Listo
interfaces-reached = Conectado
interfaces-many-errors = { $count } de los últimos 100 con error
interfaces-oldest = el más antiguo,
interfaces-nothing-waits = No hay nada en espera
interfaces-state-waiting = En espera de envío
interfaces-state-sent = Enviado
interfaces-cause-refused = El destinatario lo rechazó ({ $code })
interfaces-raw-out = Tal como se envía
interfaces-as-fhir = FHIR
interfaces-as-read = FHIR, como lo lee el destinatario
interfaces-tries = Intentos
interfaces-when = Cuándo
interfaces-why = Por qué falló
interfaces-no-troubles = Ningún intento falló.
interfaces-made-at = Creado
interfaces-receiver = Destinatario
interfaces-tells-of = Trata de
interfaces-settled = Resuelto
interfaces-due = Próximo intento
interfaces-send-again = Enviarlo de nuevo
interfaces-pruned = Su contenido se eliminó, según la configuración de este canal:
interfaces-held = Se conserva entero:
interfaces-hold = Conservarlo entero
interfaces-hold-lead = Permanece entero cuando se eliminan los mensajes más antiguos de este canal.
interfaces-let-go = Dejar de conservarlo

# What is wrong with messages of pharmacies
interfaces-cause-no-such-order = No nombra ninguna receta nuestra
interfaces-cause-no-such-message = No responde a ningún mensaje nuestro
interfaces-cause-other-patient = Trata de otro paciente que la receta
interfaces-cause-no-outcome = No dice en qué quedó
interfaces-cause-not-for-us = No va dirigido a quien receta
interfaces-cause-no-number = No tiene número propio
interfaces-cause-no-medication = No nombra ningún medicamento
interfaces-cause-ambiguous = Dice dos resultados a la vez
interfaces-cause-unknown-transaction = Aquí no se conoce la transacción
interfaces-cause-several-transactions = Varias transacciones en un mensaje
