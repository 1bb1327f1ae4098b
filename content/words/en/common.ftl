# Words that stand on many pages.
common-demo = DEMO – no real patients
common-act-conflict = Somebody else changed this in the meantime, so nothing was written. Open the page again, look at what is there now, and repeat what you did.
common-act-invalid = This could not be written: it does not fit together. Nothing was changed.
