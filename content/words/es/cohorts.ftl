# Palabras de las páginas de esta familia.
cohorts-title = Listas de pacientes
cohorts-find = Buscar una cohorte
cohorts-panel = Mis pacientes
cohorts-none = Todavía no guarda listas. Cree una abajo, o busque una cohorte y guárdela.
cohorts-asked = se busca de nuevo cada vez
cohorts-patients = { $count ->
    [one] 1 paciente
   *[other] { $count } pacientes
}
cohorts-add-lead = Ponga este paciente en una lista:
cohorts-add = Añadir
cohorts-new = Nombre de una lista nueva
cohorts-make = Crear lista
cohorts-full = Hay demasiadas listas. Quite una antes.
cohorts-export = Exportar como CSV
cohorts-all = Todas las listas
cohorts-drop = Quitar esta lista
cohorts-keep = Guardar como lista
cohorts-any = Cualquiera
cohorts-condition = Problema de salud
cohorts-condition-hint = Un código como E11.9 o el comienzo de su nombre
cohorts-drug = Medicamento
cohorts-drug-hint = Un código o el comienzo de su nombre
cohorts-from = Edad desde
cohorts-to = Edad hasta
cohorts-sex = Sexo
cohorts-test = Medición
cohorts-test-hint = Código LOINC, como 4548-4
cohorts-compare = Último valor
cohorts-value = Que
cohorts-ask = Buscar pacientes
cohorts-nobody = Nadie cumple todo eso. Quite algo de la pregunta.
cohorts-name = Nombre
cohorts-born = Nacimiento
cohorts-mrn = N.º de expediente
cohorts-last = Último valor
cohorts-remove = Quitar de la lista
cohorts-more = Hay más de los que se muestran. Acote la pregunta.
