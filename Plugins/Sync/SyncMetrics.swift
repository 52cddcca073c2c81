import Sluice

extension Calibration {
    public static let metrics: [Metric] = [
        .counter("marks", "Marks made, a flash and a chirp together."),
        .counter("missed_marks", "Marks that came too late for their video or audio."),
    ]
}

extension CalibrationDetector {
    public static let metrics: [Metric] = [
        .counter("marks", "Marks found, a flash and a chirp together."),
        .counter("half_marks", "Flashes without a chirp, and chirps without a flash."),
        .gauge("offset_ms", "The delay of the video behind its audio."),
        .gauge("drift_ppm", "The growth of that offset."),
        .gauge("confidence_percent", "The confidence in the offset."),
    ]
}

extension AVDelay {
    public static let metrics: [Metric] = [
        .gauge("delay_ms", "The time that media are held now."),
        .gauge("target_ms", "The time that media are going to be held."),
        .counter("feedback_taken", "Reports that were used."),
        .counter("feedback_ignored", "Reports that were not used."),
        .counter("cut_pictures", "Pictures left out when the delay became shorter."),
        .counter("inserted_samples", "Samples put in while the delay became longer."),
        .counter("cut_samples", "Samples left out while the delay became shorter."),
    ]
}
