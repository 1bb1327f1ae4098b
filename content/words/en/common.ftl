# Words that stand on many pages.
common-demo = DEMO – no real patients
