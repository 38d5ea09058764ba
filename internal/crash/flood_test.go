package crash_test

func runFlood(p *parent) error { return nil }
