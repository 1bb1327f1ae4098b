# Images: studies, reports, the viewer.
imaging-title = Images
imaging-fetch = Look for new studies
imaging-caption = Studies and reports, the newest first
imaging-more = There are more than these; the newest are shown.
imaging-none = No images and no reports of images are recorded. What imaging centres report appears here.
imaging-none-fetch = No images and no reports of images are recorded. Look for studies in the archive above.
imaging-unconnected = No image archive is connected.
imaging-unconnected-next = Reports can be read; to see pictures here, whoever runs this program sets [pacs.*] in the settings.
imaging-fetched = { $new } new studies, { $changed } changed, { $known } were known.
imaging-left-out = { $count ->
    [one] One study was left out, because the archive says that it is of somebody else. It is noted in the audit log.
   *[other] { $count } studies were left out, because the archive says that they are of somebody else. It is noted in the audit log.
  }
imaging-silent = { $count ->
    [one] One archive did not answer. Try again later.
   *[other] { $count } archives did not answer. Try again later.
  }
imaging-unnamed = { $count ->
    [one] One archive was not asked, because this patient has no number there.
   *[other] { $count } archives were not asked, because this patient has no number there.
  }
imaging-what = Study
imaging-unnamed-study = Images without a name
imaging-date = Date
imaging-kind = Kind
imaging-place = Made at
imaging-here = here
imaging-pictures = Pictures
imaging-report = Report
imaging-reports = Reports of this study
imaging-no-report = no report
imaging-no-report-yet = No report of this study is here yet. It appears here when the imaging centre sends it.
imaging-no-study = report only
imaging-read = Read the report
imaging-see = See the images
imaging-document = Open the document
imaging-all = All images
imaging-order = Ordered as
imaging-referrer = Referred by
imaging-accession = Accession number
imaging-away = The image archive does not answer. Open the page again in a few minutes; if it stays so, tell whoever runs it.
imaging-not-there = The image archive does not have this study any more. Ask the imaging centre for it.
imaging-another-patient = The image archive says that this study is of another patient, so nothing of it is shown. Tell the imaging centre.
imaging-no-pictures = There are no pictures in this study.
imaging-no-picture = without pictures
imaging-series = Series
imaging-count = { $count ->
    [one] one picture
   *[other] { $count } pictures
  }
imaging-picture-of = { $study }, picture { $nth } of { $count }
imaging-picture-failed = this picture cannot be shown
imaging-steps = Steps
imaging-previous = Previous
imaging-next = Next
imaging-frame = Picture
imaging-show = Show
imaging-window = Window
imaging-window-own = As made
imaging-window-brain = Brain
imaging-window-subdural = Subdural
imaging-window-soft = Soft tissue
imaging-window-liver = Liver
imaging-window-lung = Lung
imaging-window-bone = Bone
imaging-zoom = Size
imaging-stage = Picture
imaging-keys = Arrow keys step through the pictures, Home and End go to the first and last.
imaging-not-for-diagnosis = For review beside the report, not for primary diagnosis.
imaging-kind-ct = CT
imaging-kind-mr = MRI
imaging-kind-xr = X-ray
imaging-kind-us = Ultrasound
imaging-kind-mg = Mammography
imaging-kind-nm = Nuclear medicine
imaging-kind-pt = PET
imaging-kind-bd = Bone density
imaging-kind-xa = Angiography
imaging-kind-sr = Structured report
