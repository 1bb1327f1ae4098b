# Readings of the patient's own devices.
devices-title = Home devices
devices-to-vitals = To the vital signs
devices-bring = Bring readings
devices-file = Export
devices-file-hint = The export.xml of Apple Health, or a list (CSV) with a time and readings, up to 64 MB.
devices-bring-for = Bring for { $patient }
devices-none = No device of the patient sent readings in the last { $days } days. Bring an export below.
devices-taken = { $new } new readings, { $known } were known, { $left } left out.
devices-alarms = { $count ->
    [one] One reading is beyond what is safe. It is in the inbox.
   *[other] { $count } readings are beyond what is safe. They are in the inbox.
  }
devices-caption = Readings of the last { $days } days
devices-measure = Measure
devices-last = Last
devices-mean = Mean
devices-range = Lowest to highest
devices-in-range = In range
devices-days = Days
devices-count = { $count ->
    [one] one reading
   *[other] { $count } readings
  }
devices-from = From { $sources }.
devices-patient-reported = Measured by the patient, not by the staff.
devices-picture = { $measure } on { $days } days: lowest, mean and highest of each
devices-error-size = The file is too large. It may have up to 64 MB.
devices-error-unreadable = This file is no export of Apple Health and no list of readings.
devices-error-busy = Somebody else wrote the same at this moment. Send it again.
devices-heart-rate = Heart rate
devices-systolic = Systolic blood pressure
devices-diastolic = Diastolic blood pressure
devices-oxygen = Oxygen saturation
devices-glucose = Glucose
devices-weight = Weight
devices-temperature = Temperature
devices-respiration = Breathing rate
devices-steps = Steps
devices-steps-unit = steps
