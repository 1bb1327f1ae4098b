# Words of the pages of this family.
account-my-security = My security
account-your-role-needs-a-second = Your role needs a second factor. Add a passkey or an authenticator app below.
account-signed-in-as = Signed in as
account-changed = changed
account-not-set = not set
account-password = Password
account-change-password = Change password
account-none = none
account-passkeys = Passkeys
account-sign-in-with-your-face = Sign in with your face, finger or a security key instead of a password. Nothing to remember, nothing to steal.
account-remove = Remove
account-added = Added
account-last-used = , last used
account-not-used-yet = , not used yet
account-add-a-passkey = Add a passkey
account-on = on
account-off = off
account-authenticator-app = Authenticator app
account-set-up = Set up
account-an-app-on-your-telephone = An app on your telephone shows a new code every half minute.
account-set-up-an-authenticator-app = Set up an authenticator app
account-recovery-codes = Recovery codes
account-for-the-day-when-your = For the day when your telephone is lost. Each code works once.
account-make-recovery-codes = Make recovery codes
account-make-new-codes = Make new codes
account-you-get-them-when-you = You get them when you add a passkey or an app.
account-my-roles = My roles
account-you-act-in-one-role = You act in one role at a time; what you may see follows it.
account-now = now
account-change-to-this = Change to this
account-your-browser-will-ask-you = Your browser will ask you to use your face, finger, device code or a security key.
account-name-of-this-passkey = Name of this passkey
account-so-that-you-know-it = So that you know it again: “Work laptop”, “My phone”.
account-this-device = This device
account-add-passkey = Add passkey
account-this-page-needs-javascript-and = This page needs JavaScript and a browser that knows passkeys.
account-cancel = Cancel
account-passkey = Passkey
account-the-passkey-was-added = The passkey was added
account-the-two-new-passwords-are = The two new passwords are not the same.
account-this-is-not-your-present = This is not your present password.
account-present-password = Present password
account-new-password = New password
account-new-password-once-more = New password once more
account-that-does-not-fit-try = That does not fit. Try again.
account-is-it-still-you = Is it still you?
account-this-changes-how-your-account = This changes how your account is protected, so we ask once more.
account-use-your-passkey = Use your passkey
account-continue = Continue
account-code-from-your-authenticator-app = Code from your authenticator app
account-your-new-recovery-codes = Your new recovery codes
account-i-kept-them-go-on = I kept them. Go on
account-keep-these-recovery-codes-now = Keep these recovery codes now.
account-they-are-not-shown-again = They are not shown again. Each lets you in once when your device is lost. Earlier codes no longer work.
account-print = Print
account-this-one = this one
account-sign-out = Sign out
account-device = Device
account-address = Address
account-last-used-2 = Last used
account-signed-in = Signed in
account-sign-out-everywhere-else = Sign out everywhere else
account-your-authenticator-app-is-set = Your authenticator app is set up
account-this-code-does-not-fit = This code does not fit. Type the one the app shows now.
account-open-your-authenticator-app-and = Open your authenticator app and scan this picture.
account-qr-code-with-the-secret = QR code with the secret for your authenticator app. The same secret stands below as text.
account-no-camera-type-this-secret = No camera? Type this secret into the app:
account-type-the-six-digits-that = Type the six digits that the app shows.
account-code = Code
account-turn-on = Turn on
account-added-count = { $count ->
    [one] 1 added
   *[other] { $count } added
}
account-left = { $count ->
    [one] 1 left
   *[other] { $count } left
}
account-role-count = { $count ->
    [one] 1 role
   *[other] { $count } roles
}
account-where = { $count ->
    [one] Where I am signed in (1 device)
   *[other] Where I am signed in ({ $count } devices)
}
