# Lecturas de los dispositivos del paciente.
devices-title = Dispositivos en casa
devices-to-vitals = A los signos vitales
devices-bring = Traer lecturas
devices-file = Exportación
devices-file-hint = El export.xml de Apple Salud o una lista (CSV) con hora y lecturas, hasta 64 MB.
devices-bring-for = Traer para { $patient }
devices-none = Ningún dispositivo del paciente envió lecturas en los últimos { $days } días. Traiga una exportación abajo.
devices-taken = { $new } lecturas nuevas, { $known } ya se conocían, { $left } quedaron fuera.
devices-alarms = { $count ->
    [one] Una lectura está fuera de lo seguro. Está en la bandeja.
   *[other] { $count } lecturas están fuera de lo seguro. Están en la bandeja.
  }
devices-caption = Lecturas de los últimos { $days } días
devices-measure = Medida
devices-last = Última
devices-mean = Media
devices-range = De la más baja a la más alta
devices-in-range = En rango
devices-days = Días
devices-count = { $count ->
    [one] una lectura
   *[other] { $count } lecturas
  }
devices-from = De { $sources }.
devices-patient-reported = Medido por el paciente, no por el personal.
devices-picture = { $measure } en { $days } días: mínima, media y máxima de cada uno
devices-error-size = El archivo es demasiado grande. Puede tener hasta 64 MB.
devices-error-unreadable = Este archivo no es una exportación de Apple Salud ni una lista de lecturas.
devices-error-busy = Otra persona escribió lo mismo en este momento. Envíelo de nuevo.
devices-heart-rate = Frecuencia cardíaca
devices-systolic = Presión sistólica
devices-diastolic = Presión diastólica
devices-oxygen = Saturación de oxígeno
devices-glucose = Glucosa
devices-weight = Peso
devices-temperature = Temperatura
devices-respiration = Frecuencia respiratoria
devices-steps = Pasos
devices-steps-unit = pasos
