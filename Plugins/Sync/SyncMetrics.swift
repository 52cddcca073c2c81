import Sluice

extension Calibration {
    public static let metrics: [Metric] = [
        .counter("marks", "marks made, flash and chirp together"),
        .counter("missed_marks", "marks that came too late for their video or audio"),
    ]
}

extension CalibrationDetector {
    public static let metrics: [Metric] = [
        .counter("marks", "marks found, flash and chirp together"),
        .counter("half_marks", "flashes without a chirp, and chirps without a flash"),
        .gauge("offset_ms", "how much later the video comes than its audio"),
        .gauge("drift_ppm", "how fast that offset grows"),
        .gauge("confidence_percent", "how sure the offset is"),
    ]
}

extension AVDelay {
    public static let metrics: [Metric] = [
        .gauge("delay_ms", "how long media are held now"),
        .gauge("target_ms", "how long they are going to be held"),
        .counter("feedback_taken", "feedbacks that were used"),
        .counter("feedback_ignored", "feedbacks that were not used"),
        .counter("cut_pictures", "pictures left out when the delay became shorter"),
        .counter("inserted_samples", "samples put in while the delay became longer"),
        .counter("cut_samples", "samples left out while the delay became shorter"),
    ]
}
