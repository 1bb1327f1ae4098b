# Palabras de las páginas de esta familia.
account-my-security = Mi seguridad
account-your-role-needs-a-second = Su rol necesita un segundo factor. Añada abajo una llave de acceso o una aplicación de autenticación.
account-signed-in-as = Sesión iniciada como
account-changed = cambiada el
account-not-set = sin definir
account-password = Contraseña
account-change-password = Cambiar la contraseña
account-none = ninguna
account-passkeys = Llaves de acceso
account-sign-in-with-your-face = Inicie sesión con su rostro, su dedo o una llave de seguridad en vez de una contraseña. Nada que recordar, nada que robar.
account-remove = Quitar
account-added = Añadida el
account-last-used = , usada por última vez el
account-not-used-yet = , sin usar todavía
account-add-a-passkey = Añadir una llave de acceso
account-on = activada
account-off = desactivada
account-authenticator-app = Aplicación de autenticación
account-set-up = Configurada el
account-an-app-on-your-telephone = Una aplicación en su teléfono muestra un código nuevo cada medio minuto.
account-set-up-an-authenticator-app = Configurar una aplicación de autenticación
account-recovery-codes = Códigos de recuperación
account-for-the-day-when-your = Para el día en que pierda su teléfono. Cada código sirve una vez.
account-make-recovery-codes = Crear códigos de recuperación
account-make-new-codes = Crear códigos nuevos
account-you-get-them-when-you = Los recibe al añadir una llave de acceso o una aplicación.
account-my-roles = Mis roles
account-you-act-in-one-role = Actúa en un rol a la vez; lo que puede ver depende de él.
account-now = ahora
account-change-to-this = Cambiar a este
account-your-browser-will-ask-you = Su navegador le pedirá usar su rostro, su dedo, el código del dispositivo o una llave de seguridad.
account-name-of-this-passkey = Nombre de esta llave de acceso
account-so-that-you-know-it = Para reconocerla: «Portátil del trabajo», «Mi teléfono».
account-this-device = Este dispositivo
account-add-passkey = Añadir llave de acceso
account-this-page-needs-javascript-and = Esta página necesita JavaScript y un navegador que conozca llaves de acceso.
account-cancel = Cancelar
account-passkey = Llave de acceso
account-the-passkey-was-added = La llave de acceso se añadió
account-the-two-new-passwords-are = Las dos contraseñas nuevas no son iguales.
account-this-is-not-your-present = Esta no es su contraseña actual.
account-present-password = Contraseña actual
account-new-password = Contraseña nueva
account-new-password-once-more = Contraseña nueva otra vez
account-that-does-not-fit-try = No coincide. Inténtelo de nuevo.
account-is-it-still-you = ¿Sigue siendo usted?
account-this-changes-how-your-account = Esto cambia cómo se protege su cuenta, por eso preguntamos otra vez.
account-use-your-passkey = Usar su llave de acceso
account-continue = Continuar
account-code-from-your-authenticator-app = Código de su aplicación de autenticación
account-your-new-recovery-codes = Sus códigos de recuperación nuevos
account-i-kept-them-go-on = Los guardé. Continuar
account-keep-these-recovery-codes-now = Guarde ahora estos códigos de recuperación.
account-they-are-not-shown-again = No se muestran otra vez. Cada uno le deja entrar una vez si pierde su dispositivo. Los códigos anteriores ya no funcionan.
account-print = Imprimir
account-this-one = esta
account-sign-out = Cerrar sesión
account-device = Dispositivo
account-address = Dirección
account-last-used-2 = Último uso
account-signed-in = Sesión iniciada
account-sign-out-everywhere-else = Cerrar sesión en todos los demás sitios
account-your-authenticator-app-is-set = Su aplicación de autenticación está lista
account-this-code-does-not-fit = Este código no coincide. Escriba el que la aplicación muestra ahora.
account-open-your-authenticator-app-and = Abra su aplicación de autenticación y escanee esta imagen.
account-qr-code-with-the-secret = Código QR con el secreto para su aplicación de autenticación. El mismo secreto está abajo como texto.
account-no-camera-type-this-secret = ¿Sin cámara? Escriba este secreto en la aplicación:
account-type-the-six-digits-that = Escriba las seis cifras que muestra la aplicación.
account-code = Código
account-turn-on = Activar
account-added-count = { $count ->
    [one] 1 añadida
   *[other] { $count } añadidas
}
account-left = { $count ->
    [one] queda 1
   *[other] quedan { $count }
}
account-role-count = { $count ->
    [one] 1 rol
   *[other] { $count } roles
}
account-where = { $count ->
    [one] Dónde tengo sesión (1 dispositivo)
   *[other] Dónde tengo sesión ({ $count } dispositivos)
}
