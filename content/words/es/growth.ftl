# Curvas de crecimiento.
growth-title = Crecimiento
growth-print = Imprimir
growth-which = Medida
growth-ages = Edades mostradas
growth-infant = Del nacimiento a 2 años
growth-child = De 2 a 20 años
growth-weight = Peso
growth-length = Longitud o talla
growth-head = Perímetro cefálico
growth-bmi = Índice de masa corporal
growth-weight-for-length = Peso para la longitud
growth-girls = Niñas
growth-boys = Niños
growth-who = estándares de la OMS
growth-cdc = curvas de los CDC
growth-who-cdc = estándares de la OMS hasta 2 años, curvas de los CDC hasta 3 años
growth-no-birth = La fecha de nacimiento no se conoce al día, así que no se puede situar nada. Complétela en el registro.
growth-grown-up = Las curvas de crecimiento terminan a los 20 años.
growth-no-sex = La historia no dice qué curvas corresponden. Elija arriba.
growth-choose-curves = La historia no indica un sexo para el que haya curvas. Mostrar las curvas de:
growth-corrected = Nació a las { $weeks } semanas: hasta los dos años los puntos están en la edad desde el término, con una marca en la edad desde el nacimiento.
growth-nothing = No se midió nada de esto. Anote peso y longitud con los signos vitales.
growth-none-here = Ninguna medida cae en estas edades.
growth-legend = Curvas: percentiles 3, 10, 25, 50, 75, 90 y 97.
growth-legend-corrected = Un pequeño aro muestra la edad desde el nacimiento.
growth-drawing = { $measure } según la edad, con las curvas de referencia; las mismas medidas están en la tabla de abajo
growth-point = { $date }, { $age }: { $value }, percentil { $percentile }, z { $z }
growth-axis-months = Edad en meses
growth-axis-years = Edad en años
growth-axis-cm = Longitud en cm
growth-table = { $measure }, lo más reciente primero
growth-date = Fecha
growth-age = Edad
growth-age-days = { $count ->
    [one] { $count } día
   *[other] { $count } días
}
growth-age-months = { $count ->
    [one] { $count } mes
   *[other] { $count } meses
}
growth-age-years = { $years } a { $months } m
growth-age-corrected = desde el término { $age }
growth-percentile = Percentil
growth-z = Puntuación z
growth-corrected-z = Puntuación z desde el término
growth-computed = calculado
growth-parents = Talla esperada según los padres
growth-mother = Talla de la madre en cm
growth-father = Talla del padre en cm
growth-work-out = Calcular
growth-expected = Talla adulta esperada: { $height } cm (de { $low } a { $high } cm), percentil { $percentile }.
growth-parents-wrong = Dé ambas tallas en centímetros, de 100 a 250.
growth-velocity = Velocidad
growth-from-to = Desde y hasta
growth-what = Qué
growth-a-year = Al año
growth-sources = Menos de 2 años: estándares de crecimiento de la OMS 2006. Desde 2 años: curvas de los CDC 2000, índice de masa corporal con la extensión de 2022.
