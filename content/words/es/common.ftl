# Palabras que están en muchas páginas.
common-demo = DEMOSTRACIÓN – no hay pacientes reales
