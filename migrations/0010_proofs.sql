CREATE TABLE `proof_images` (
	`request_id` text NOT NULL,
	`image_index` integer NOT NULL,
	`outcome` text NOT NULL,
	`distance` integer,
	`mean_error` real,
	`digest` text,
	`original_digest` text,
	`reason` text,
	PRIMARY KEY(`request_id`, `image_index`),
	FOREIGN KEY (`request_id`) REFERENCES `proofs`(`request_id`) ON UPDATE no action ON DELETE no action,
	CONSTRAINT "proof_images_outcome" CHECK("proof_images"."outcome" in ('identical_bytes', 'identical_pixels', 'near', 'drifted', 'incomparable')),
	CONSTRAINT "proof_images_reason" CHECK(("proof_images"."outcome" = 'incomparable') = ("proof_images"."reason" is not null)),
	CONSTRAINT "proof_images_distance" CHECK("proof_images"."distance" is null or "proof_images"."distance" between 0 and 64)
);
--> statement-breakpoint
CREATE TABLE `proofs` (
	`request_id` text PRIMARY KEY NOT NULL,
	`original_id` text NOT NULL,
	`outcome` text NOT NULL,
	`compared_at` integer NOT NULL,
	`generated_at` integer NOT NULL,
	`original_generated_at` integer NOT NULL,
	FOREIGN KEY (`request_id`) REFERENCES `requests`(`request_id`) ON UPDATE no action ON DELETE no action,
	CONSTRAINT "proofs_outcome" CHECK("proofs"."outcome" in ('identical_bytes', 'identical_pixels', 'near', 'drifted', 'incomparable'))
);
--> statement-breakpoint
CREATE INDEX `proofs_by_original` ON `proofs` (`original_id`,`compared_at`);--> statement-breakpoint
ALTER TABLE `requests` ADD `reproduces` text;--> statement-breakpoint
CREATE INDEX `requests_by_original` ON `requests` (`reproduces`) WHERE reproduces is not null;