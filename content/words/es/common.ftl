# Palabras que están en muchas páginas.
common-demo = DEMOSTRACIÓN – no hay pacientes reales
common-act-conflict = Otra persona cambió esto mientras tanto, así que no se guardó nada. Abra la página de nuevo, mire lo que hay ahora y repita lo que hizo.
common-act-invalid = No se pudo guardar: los datos no concuerdan entre sí. No se cambió nada.
