# Palabras que están en muchas páginas.
common-demo = DEMOSTRACIÓN – no hay pacientes reales
common-error-title = Error: { $title }
common-optional = (opcional)
common-actions = Acciones
common-not-recorded = no registrado
common-deceased = Fallecido
common-not-in-use = Expediente fuera de uso
common-born = Nacimiento
common-no-mrn = Sin n.º de expediente
common-phone = Teléfono
common-just-now = ahora mismo
common-minutes-ago = { $count ->
    [one] hace 1 minuto
   *[other] hace { $count } minutos
}
common-hours-ago = { $count ->
    [one] hace 1 hora
   *[other] hace { $count } horas
}
common-days-ago = { $count ->
    [one] hace 1 día
   *[other] hace { $count } días
}
common-weeks-ago = { $count ->
    [one] hace 1 semana
   *[other] hace { $count } semanas
}
common-months-ago = { $count ->
    [one] hace 1 mes
   *[other] hace { $count } meses
}
common-years-ago = { $count ->
    [one] hace 1 año
   *[other] hace { $count } años
}
common-days-ahead = { $count ->
    [one] en 1 día
   *[other] en { $count } días
}
common-weeks-ahead = { $count ->
    [one] en 1 semana
   *[other] en { $count } semanas
}
common-months-ahead = { $count ->
    [one] en 1 mes
   *[other] en { $count } meses
}
common-years-ahead = { $count ->
    [one] en 1 año
   *[other] en { $count } años
}
common-today = hoy
common-yesterday = ayer
common-tomorrow = mañana
common-minutes = { $count ->
    [one] 1 minuto
   *[other] { $count } minutos
}
common-hours = { $count ->
    [one] 1 hora
   *[other] { $count } horas
}
common-device = { $browser } en { $system }
common-device-unknown = Dispositivo desconocido
common-sex-female = Mujer
common-sex-male = Hombre
common-sex-other = Otro
common-sex-unknown = Sexo desconocido
common-sex-none = Sexo no registrado
common-age-years = a
common-age-months = m
common-age-weeks = sem
common-age-about = unos
common-age-under = menos de
common-done-saved = Guardado.
common-done-password = Su contraseña se cambió. Las demás sesiones se cerraron.
common-done-totp = Su aplicación de autenticación está lista.
common-done-no-totp = La aplicación de autenticación se quitó.
common-done-passkey = La llave de acceso se añadió.
common-done-no-passkey = La llave de acceso se quitó.
common-done-session = La sesión se cerró.
common-done-sessions = Todas las demás sesiones se cerraron.
common-done-role = Ahora actúa en el otro rol.
common-done-deactivated = El usuario se desactivó y su sesión se cerró en todas partes.
common-done-activated = El usuario puede iniciar sesión de nuevo.
common-done-withdrawn = La invitación se retiró.
common-done-policy = La regla de los segundos factores se cambió.
common-done-reset = Su contraseña está lista. Inicie sesión con ella.
common-done-app = La aplicación se registró.
common-done-app-approved = La aplicación se aprobó y puede usarse desde ahora.
common-done-app-rejected = La solicitud se rechazó.
common-done-app-disabled = La aplicación se desactivó. Lo que se le dio ya no funciona.
common-done-app-enabled = La aplicación puede usarse de nuevo.
common-done-app-revoked = La aplicación ya no tiene acceso a su expediente.
common-done-reviewed = La revisión se registró.
common-done-ended = El acceso de emergencia terminó.
common-done-signed-out = Su sesión se cerró.
common-done-invited = La invitación se creó.
common-done-created = El usuario se creó.
common-done-changed = Sus cambios se guardaron.
common-done-verified = La cadena se comprobó.
common-done-key = Se creó un secreto nuevo.
common-done-proved = Gracias. Puede continuar.
common-done-provider = El proveedor de inicio de sesión se guardó.
common-done-linked = Las cuentas están vinculadas.
common-done-revoked = El acceso se retiró.
common-done-granted = El acceso se dio.
common-done-none = No se cambió nada.
common-role-front-desk = Recepción
common-role-nurse = Enfermería
common-role-clinician = Profesional clínico
common-role-biller = Facturación
common-role-practice-admin = Administración de la consulta
common-role-system-admin = Administración del sistema
common-role-privacy-officer = Responsable de privacidad
common-role-integration-engineer = Ingeniería de integración
common-role-patient = Paciente
common-role-proxy = Actúa por un paciente
common-role-proxy-limited = Actúa por un paciente, con límites
common-role-system = Sistema
common-action-read = Leyó
common-action-vread = Leyó una versión
common-action-search = Buscó
common-action-history = Miró el historial
common-action-create = Creó
common-action-update = Cambió
common-action-patch = Cambió
common-action-delete = Borró
common-action-export = Exportó
common-action-print = Imprimió
common-action-sign-in = Inició sesión
common-action-sign-out = Cerró sesión
common-action-refusal = Fue rechazado
common-action-break-glass = Usó el acceso de emergencia
common-action-break-glass-begin = Comenzó un acceso de emergencia
common-action-break-glass-end = Terminó un acceso de emergencia
common-action-break-glass-review = Revisó un acceso de emergencia
common-action-configure = Cambió la configuración
common-action-user = Cambió un usuario
common-action-password = Cambió una contraseña
common-action-factor = Cambió un segundo factor
common-action-invite = Invitó a un paciente
common-action-session = Cerró una sesión
common-action-authorize = Permitió una aplicación
common-action-revoke = Retiró un acceso
common-action-transaction = Escribió varias cosas a la vez
common-kind-patient = datos personales
common-kind-relatedperson = familiares y cuidadores
common-kind-observation = mediciones y resultados
common-kind-diagnosticreport = informes de pruebas
common-kind-condition = problemas de salud
common-kind-medicationrequest = recetas
common-kind-medicationstatement = medicamentos que toma
common-kind-medicationadministration = medicamentos administrados
common-kind-medicationdispense = medicamentos entregados
common-kind-allergyintolerance = alergias
common-kind-immunization = vacunas
common-kind-procedure = procedimientos
common-kind-encounter = visitas
common-kind-appointment = citas
common-kind-documentreference = documentos y notas
common-kind-binary = archivos
common-kind-careplan = planes de atención
common-kind-careteam = equipos de atención
common-kind-goal = metas
common-kind-coverage = seguro médico
common-kind-claim = facturas a aseguradoras
common-kind-explanationofbenefit = respuestas de aseguradoras
common-kind-servicerequest = órdenes
common-kind-communication = mensajes
common-kind-questionnaireresponse = cuestionarios
common-kind-consent = consentimientos
common-kind-practitioner = profesionales
common-kind-organization = organizaciones
common-kind-location = lugares
common-kind-auditevent = el registro de auditoría
common-action-desk = Ordenó sus propias páginas
common-trouble-short = Use al menos { $count } caracteres; unas palabras sin relación son fáciles de recordar.
common-trouble-too-short = La contraseña es demasiado corta.
common-trouble-long = La contraseña es demasiado larga.
common-trouble-stolen = Esta contraseña está en una lista de robadas; elija una que no use en otro sitio.
common-trouble-same = Esta es la contraseña que ya tiene; elija otra.
common-trouble-guessable = Esta contraseña es fácil de adivinar: se repite o está hecha de nombres que otros conocen.
common-trouble-not-fresh = Demuestre otra vez que es usted e inténtelo de nuevo.
common-trouble-changed = Alguien cambió esto mientras tanto; mírelo de nuevo y repita lo que hizo.
common-trouble-name-taken = Este nombre de usuario o correo ya está en uso; elija otro.
common-trouble-name-unfit = Un nombre de usuario tiene de 2 a 64 letras, cifras, puntos, guiones, guiones bajos o @, sin espacios.
common-trouble-display = Un nombre para mostrar tiene de 1 a 100 caracteres.
common-trouble-roles = Un usuario tiene roles de personal o del portal, no ambos, y al menos uno.
common-trouble-wrong = No coincide; compruébelo e inténtelo de nuevo.
common-trouble-expired = Esto ya no es válido; empiece de nuevo.
common-trouble-wait = Demasiados intentos; espere e inténtelo de nuevo.
common-trouble-last-administrator = Es el último usuario que puede gestionar usuarios; dé antes ese derecho a otra persona.
common-trouble-last-factor = Es el último segundo factor de una cuenta que necesita uno; configure antes otro.
common-trouble-passkey = La llave de acceso no se aceptó.
common-trouble-provider = La respuesta del proveedor de inicio de sesión no se aceptó.
common-trouble-busy = Muchas personas inician sesión en este momento; inténtelo pronto.
common-unknown = desconocido
common-password-rule = Al menos 15 caracteres, u 8 si también usa una llave de acceso o una aplicación. Unas palabras sin relación son fáciles de recordar. Puede pegarla desde un gestor de contraseñas.
common-act-conflict = Otra persona cambió esto mientras tanto, así que no se guardó nada. Abra la página de nuevo, mire lo que hay ahora y repita lo que hizo.
common-act-invalid = No se pudo guardar: los datos no concuerdan entre sí. No se cambió nada.
