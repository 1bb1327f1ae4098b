# Palabras de las páginas de esta familia.
content-title = Contenido clínico
content-lead = Tablas de las que salen comprobaciones y sugerencias. Cada una debe revisarse antes de que caduque.
content-bad = { $count ->
    [one] Falta 1 conjunto o está caducado. No se debe confiar en lo que depende de él.
   *[other] Faltan { $count } conjuntos o están caducados. No se debe confiar en lo que depende de ellos.
}
content-good = { $count ->
    [one] 1 conjunto está presente y al día.
   *[other] Los { $count } conjuntos están presentes y al día.
}
content-set = Conjunto
content-entries = Entradas
content-version = Versión
content-source = Fuente
content-expires = Caduca
content-state = Estado
content-is-good = bien
content-is-expired = caducado
content-is-missing = falta
