# Buscar un paciente.
find-go-to = Ir a
find-title = Buscar un paciente
find-results = Resultados de la búsqueda
find-label = Nombre, fecha de nacimiento, número de expediente o teléfono
find-do = Buscar
find-example = Por ejemplo:
find-recent = Pacientes recientes
find-recent-none = Los expedientes que abra aparecerán aquí.
find-seen = Atendidos aquí últimamente
find-found = Pacientes encontrados
find-nobody = No se encontró a nadie
find-first = Se muestran los primeros { $count }; escriba más para acotar
find-count = { $count ->
    [one] 1 paciente encontrado
   *[other] { $count } pacientes encontrados
}
find-widened = Ningún nombre comienza así; estos lo contienen.
find-sounding = Ningún nombre se escribe así; estos suenan parecido.
find-none = Nadie aquí cumple todo eso.
find-none-fewer = Use menos letras: basta el comienzo de un nombre.
find-none-born = Pruebe solo con la fecha de nacimiento o con el número de expediente.
find-none-accents = Los acentos y las mayúsculas no importan; el orden de los nombres tampoco.
find-similar-note = Nombres parecidos: compruebe la fecha de nacimiento.
find-similar = Nombre parecido
find-formerly = antes
find-born-on = nacimiento
find-no-second = sin segundo identificador
