# Imágenes: estudios, informes, el visor.
imaging-title = Imágenes
imaging-fetch = Buscar estudios nuevos
imaging-caption = Estudios e informes, los más recientes primero
imaging-more = Hay más de los que se muestran; se ven los más recientes.
imaging-none = No hay imágenes ni informes de imágenes registrados. Lo que informen los centros de imagen aparecerá aquí.
imaging-none-fetch = No hay imágenes ni informes de imágenes registrados. Busque estudios en el archivo con el botón de arriba.
imaging-unconnected = No hay ningún archivo de imágenes conectado.
imaging-unconnected-next = Los informes se pueden leer; para ver aquí las imágenes, quien administra este programa debe definir [pacs.*] en la configuración.
imaging-fetched = { $new } estudios nuevos, { $changed } cambiados, { $known } ya conocidos.
imaging-left-out = { $count ->
    [one] Se dejó fuera un estudio porque el archivo dice que es de otra persona. Consta en el registro de auditoría.
   *[other] Se dejaron fuera { $count } estudios porque el archivo dice que son de otra persona. Consta en el registro de auditoría.
  }
imaging-silent = { $count ->
    [one] Un archivo no respondió. Inténtelo más tarde.
   *[other] { $count } archivos no respondieron. Inténtelo más tarde.
  }
imaging-unnamed = { $count ->
    [one] No se preguntó a un archivo porque este paciente no tiene número allí.
   *[other] No se preguntó a { $count } archivos porque este paciente no tiene número allí.
  }
imaging-what = Estudio
imaging-unnamed-study = Imágenes sin nombre
imaging-date = Fecha
imaging-kind = Tipo
imaging-place = Hecho en
imaging-here = aquí
imaging-pictures = Imágenes
imaging-report = Informe
imaging-reports = Informes de este estudio
imaging-no-report = sin informe
imaging-no-report-yet = Aún no ha llegado ningún informe de este estudio. Aparecerá aquí cuando lo envíe el centro de imagen.
imaging-no-study = solo el informe
imaging-read = Leer el informe
imaging-see = Ver las imágenes
imaging-document = Abrir el documento
imaging-all = Todas las imágenes
imaging-order = Pedido como
imaging-referrer = Remitido por
imaging-accession = Número de acceso
imaging-away = El archivo de imágenes no responde. Abra la página de nuevo en unos minutos; si sigue así, avise a quien lo administra.
imaging-not-there = El archivo de imágenes ya no tiene este estudio. Pídalo al centro de imagen.
imaging-another-patient = El archivo de imágenes dice que este estudio es de otro paciente, así que no se muestra nada de él. Avise al centro de imagen.
imaging-no-pictures = En este estudio no hay imágenes.
imaging-no-picture = sin imágenes
imaging-series = Series
imaging-count = { $count ->
    [one] una imagen
   *[other] { $count } imágenes
  }
imaging-picture-of = { $study }, imagen { $nth } de { $count }
imaging-picture-failed = esta imagen no se puede mostrar
imaging-steps = Pasos
imaging-previous = Anterior
imaging-next = Siguiente
imaging-frame = Imagen
imaging-show = Mostrar
imaging-window = Ventana
imaging-window-own = Original
imaging-window-brain = Cerebro
imaging-window-subdural = Subdural
imaging-window-soft = Partes blandas
imaging-window-liver = Hígado
imaging-window-lung = Pulmón
imaging-window-bone = Hueso
imaging-zoom = Tamaño
imaging-stage = Imagen
imaging-keys = Las flechas pasan de una imagen a otra; Inicio y Fin van a la primera y a la última.
imaging-not-for-diagnosis = Para consultar junto al informe, no para el diagnóstico primario.
imaging-kind-ct = TC
imaging-kind-mr = RM
imaging-kind-xr = Radiografía
imaging-kind-us = Ecografía
imaging-kind-mg = Mamografía
imaging-kind-nm = Medicina nuclear
imaging-kind-pt = PET
imaging-kind-bd = Densitometría
imaging-kind-xa = Angiografía
imaging-kind-sr = Informe estructurado
