# Documentos de otros y para otros.
exchange-make = Crear un documento
exchange-make-says = Lo que se sabe del paciente como un solo documento clínico (C-CDA) que otros sistemas pueden leer. Lo que llegó de fuera y no se ha conciliado queda excluido.
exchange-kind = Documento
exchange-kind-summary = Documento de continuidad de la atención
exchange-kind-referral = Nota de derivación
exchange-kind-discharge = Informe de alta
exchange-kind-plan = Plan de atención
exchange-recipient = Para quién
exchange-recipient-hint = Nombre de la persona o consulta que lo recibirá.
exchange-reason = Motivo
exchange-reason-hint = Por qué se deriva al paciente o qué ocurrió en el hospital.
exchange-instructions = Instrucciones para el paciente
exchange-make-for = Crear para { $patient }
exchange-done-made = El documento está creado. Ábralo para verlo o enviarlo.
exchange-done-taken = El documento se ha recibido. Lo que dice queda aparte hasta que se concilie.
exchange-done-known = Este documento ya estaba aquí. No dice nada nuevo.
exchange-error-another = Este documento es de otra persona: el nombre o la fecha de nacimiento no son los de esta historia.
exchange-told = Lo que dice este documento
exchange-waits = { $count ->
    [one] Una entrada espera conciliación.
   *[other] { $count } entradas esperan conciliación.
  }
exchange-problems = Problemas
exchange-allergies = Alergias
exchange-medications = Medicamentos
exchange-immunizations = Vacunas
exchange-procedures = Procedimientos
exchange-reports = Informes
exchange-observations = Mediciones y resultados
exchange-goals = Objetivos
exchange-family = Antecedentes familiares
exchange-reconcile = Conciliar
