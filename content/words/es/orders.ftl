# Órdenes, renovaciones, cuidados pendientes, aplicaciones del expediente.
orders-title = Órdenes
orders-basket = Canasta de órdenes
orders-open-orders = Órdenes firmadas
orders-go-basket = Nueva orden
orders-go-basket-with = Canasta ({ $count })
orders-back = Volver a la canasta
orders-cancel = Cancelar
orders-changed = Las órdenes se cambiaron mientras tanto en otra ventana, así que no se hizo nada. Abra la canasta otra vez y mire lo que hay ahora.
orders-reason-needed = Se necesita un motivo.
orders-too-many = Aquí no cabe más. Quite algo primero.
orders-unknown = no registrado
orders-more = Hay más de lo que se muestra aquí.
orders-none = Todavía no hay órdenes. Empiece con «Nueva orden».

# Qué clases de órdenes hay
orders-kinds = Clases de órdenes
orders-kind-drug = Medicamentos
orders-kind-lab = Laboratorio
orders-kind-imaging = Imágenes
orders-kind-procedure = Procedimientos
orders-kind-referral = Derivaciones
orders-priority-routine = De rutina
orders-priority-urgent = Urgente
orders-priority-stat = Ahora mismo

# Buscar y agregar
orders-find = Buscar una orden
orders-find-drug = Medicamento por nombre, marca o concentración
orders-find-lab = Prueba por nombre o abreviatura
orders-find-imaging = Imagen por nombre o parte del cuerpo
orders-find-procedure = Procedimiento por nombre
orders-find-referral = Derivación por especialidad u órgano
orders-search = Buscar
orders-found = { $count ->
    [0] Nada en nuestras listas
    [one] Uno encontrado
   *[other] { $count } encontrados
}
orders-add = Agregar
orders-add-typed = Agregar tal como está escrito
orders-typed-unchecked = Tal como lo escribió; no se puede revisar.
orders-there-already = Ya está en la canasta.
orders-favourites = Mis favoritos
orders-favourites-none = Todavía ninguno. Elija «Guardar como favorito» en una orden de la canasta.
orders-favourite = Guardar como favorito
orders-favourite-kept = Guardado entre sus favoritos.
orders-forget = Olvidar
orders-sets = Conjuntos de órdenes
orders-set-choose = Qué agregar
orders-set-add = Agregar a la canasta

# La canasta
orders-to-sign = { $count ->
    [one] Una orden por firmar
   *[other] { $count } órdenes por firmar
}
orders-empty = La canasta está vacía. Busque una orden, elija un favorito o un conjunto de órdenes.
orders-weight = Peso usado para las dosis: { $kilograms } kg
orders-sign-all = { $count ->
    [one] Firmar 1 orden para { $name }
   *[other] Firmar { $count } órdenes para { $name }
}
orders-sign-one = Firmar solo esta
orders-sign-later = Firmar más tarde
orders-signed = { $count ->
    [0] No se firmó nada.
    [one] Se firmó una orden.
   *[other] Se firmaron { $count } órdenes.
}
orders-stayed = { $count ->
    [one] Una orden se quedó en la canasta: vea lo que necesita.
   *[other] { $count } órdenes se quedaron en la canasta: vea lo que necesitan.
}
orders-signer = Quién firma
orders-forward = Enviar a firmar
orders-cosign-instead = Dejar la firma a otra persona
orders-sent = { $count ->
    [0] No se envió nada.
    [one] Se envió una orden a firmar.
   *[other] Se enviaron { $count } órdenes a firmar.
}
orders-state-renew = Renovación
orders-state-change = Cambio
orders-schedule = Controlado, lista { $number }
orders-incomplete = Incompleta
orders-supply = { $quantity } { $unit }
orders-supply-days = { $days ->
    [one] para 1 día
   *[other] para { $days } días
}
orders-no-quantity = sin cantidad
orders-refills = { $count ->
    [0] sin resurtidos
    [one] 1 resurtido
   *[other] { $count } resurtidos
}
orders-for = Por { $problem }
orders-edit = Cambiar
orders-remove = Quitar
orders-reason = Motivo para seguir (necesario para firmar)

# El formulario de la orden
orders-directions = Indicaciones
orders-hand-out = Lo que se entrega
orders-choose = Elija
orders-nothing = –
orders-no-indication = Sin relación con un problema
orders-keep = Guardar
orders-field-dose = Dosis ({ $unit })
orders-field-route = Vía
orders-field-timing = Cada cuánto
orders-field-how = Cómo
orders-field-need = Si es necesario para
orders-field-days = Durante cuántos días
orders-field-more = Más indicaciones
orders-field-quantity = Cantidad ({ $unit })
orders-field-quantity-hint = Si se deja vacía, se calcula de las indicaciones.
orders-field-refills = Resurtidos
orders-field-start = Comienzo
orders-field-priority = Prioridad
orders-field-indication = Por qué problema
orders-field-note = Nota para quien la cumpla
orders-field-directions = Indicaciones
orders-preview-english = En inglés
orders-preview-spanish = En español
orders-preview-reads-spanish = El paciente lee español: estas palabras van con la receta.
orders-fault-missing = Esto es necesario.
orders-fault-number = Escriba un número mayor que cero.
orders-fault-day = Escriba un día.
orders-fault-refills = Este medicamento no se puede resurtir tantas veces: lista II nunca, listas III y IV como máximo 5 veces, los demás como máximo 11 veces.
orders-fault-choice = Elija una de estas opciones.

# Avisos
orders-tier-stop = Alto
orders-tier-reason = Se necesita un motivo
orders-tier-info = Para su información
orders-alert-allergy = Alergia: { $with }
orders-alert-cross = Puede reaccionar como { $with }
orders-alert-outside-allergy = Otro expediente habla de una alergia que aquí nadie ha revisado: { $with }
orders-alert-allergies-unknown = No hay alergias registradas ni descartadas. Pregunte antes de recetar.
orders-alert-interaction = Interactúa con { $with }
orders-alert-same-drug = Ya lo toma: { $with }
orders-alert-duplicate = Hace lo mismo que { $with }
orders-alert-duplicate-test = Ya hay un resultado: { $with }
orders-alert-earlier-images = Imágenes anteriores de la misma parte del cuerpo
orders-alert-already-ordered = Ya está pedido, sin resultado todavía: { $with }
orders-alert-dose = Dosis demasiado alta: { $with }
orders-alert-unusual-dose = Dosis poco habitual para el peso: { $with }
orders-alert-age = No a esta edad: { $with }
orders-alert-no-weight = La dosis de { $with } va según el peso, y no hay ninguno registrado.
orders-alert-unchecked = Sin revisar: { $with } no está en nuestras listas.
orders-alert-unchecked-medicine = Sin revisar frente a { $with }, que no está en nuestras listas.
orders-alert-amounts = ({ $ordered } al día; { $most })

# Órdenes firmadas
orders-progress-overdue = Atrasada
orders-progress-open = Abierta
orders-progress-done = Hecha
orders-progress-cancelled = Retirada
orders-ordered = Pedida
orders-due = para el
orders-past = Hechas o retiradas ({ $count })
orders-see-result = Ver el resultado
orders-withdraw = Retirar
orders-withdraw-why = Por qué se retira

# Órdenes que esperan una firma
orders-cosign = Órdenes por refrendar
orders-cosign-none = Nada espera su firma.
orders-written-by = Escrita por { $name }
orders-cosign-reason = Su motivo (para los avisos o para devolverla)
orders-cosign-sign = Firmar para { $name }
orders-cosign-decline = Devolver

# Renovaciones
orders-renewals = Solicitudes de renovación
orders-renewals-none = No hay solicitudes en espera. Aquí llega lo que piden las farmacias y los pacientes; desde la lista de medicamentos de un expediente se puede renovar en cualquier momento.
orders-born = nac.
orders-renewal-of = Renovación: { $name }
orders-renewal-asked = Lo que se pide
orders-renewal-note = Nota
orders-renewal-prescribed = Recetado
orders-renewal-last-fill = Última entrega
orders-renewal-last-visit = Última visita
orders-renewal-reason = Motivo
orders-renewal-reason-hint = Necesario para negarla y para seguir a pesar de un aviso.
orders-renewal-approve = Aprobar para { $name }
orders-renewal-appointment = Primero una visita
orders-renewal-deny = Negar
orders-renewal-closed = Esta solicitud ya se decidió.
orders-protocol = Protocolo
orders-protocol-renew = { $protocol }: está todo lo que pide el protocolo. Permite { $refills ->
    [0] ningún resurtido
    [one] 1 resurtido
   *[other] { $refills } resurtidos
}.
orders-protocol-look = { $protocol }: falta algo de lo que pide el protocolo. Con todo, permite { $refills ->
    [0] ningún resurtido
    [one] 1 resurtido
   *[other] { $refills } resurtidos
}.
orders-protocol-none = Ningún protocolo habla de este medicamento. Decida como con una receta nueva.
orders-protocol-controlled = Un medicamento controlado nunca se renueva por protocolo.
orders-protocol-visit = Visto en los últimos { $months } meses
orders-protocol-test = { $name } en los últimos { $months } meses
orders-protocol-range = { $name } dentro de los límites del protocolo
orders-met = Se cumple
orders-not-met = No se cumple
orders-medications = Todos los medicamentos
orders-renew = Renovar
orders-ask-renewal = El paciente pide una renovación
orders-ask-send = Poner en la lista de espera

# Cuidados pendientes
orders-gaps = Cuidados pendientes
orders-gaps-lead = Lo que corresponde a este paciente según las reglas de abajo. Cada una dice de dónde viene.
orders-gaps-none = Ninguna regla habla de este paciente.
orders-gaps-nothing-due = No hay nada pendiente.
orders-gaps-due = { $count } pendientes
orders-gap-open = Pendiente
orders-gap-met = Hecho, de nuevo el { $day }
orders-gap-unknown = No se puede juzgar con su función
orders-gap-last = Última vez:
orders-gap-never = Aquí no hay nada registrado.
orders-gap-never-short = nunca
orders-gap-order = Poner en la canasta
orders-gap-vitals = A los signos vitales
orders-gap-answer = Responder
orders-gap-answer-is = Respuesta
orders-gap-elsewhere = Hecho en otro lugar
orders-gap-declined = El paciente no quiere
orders-gap-not-applicable = No corresponde
orders-gap-reason = Motivo, o dónde se hizo
orders-gap-day = Qué día se hizo
orders-gap-save = Guardar la respuesta

# Aplicaciones
orders-apps = Aplicaciones
orders-apps-lead = Cada aplicación se abre con este paciente. Lo que puede ver se pregunta al abrirla.
orders-apps-none = No hay aplicaciones registradas que se puedan abrir desde un expediente.
orders-apps-open = Abrir en una pestaña
orders-apps-beside = Abrir junto al expediente
orders-apps-close = Cerrar
