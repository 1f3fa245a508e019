// Generated from docs/reference/openapi.json by `npm run schema`; never edited by hand.

export interface paths {
    "/runstone/v1/server": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Who is there, and what it takes */
        get: operations["describeServer"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/runstone/v1/openapi.json": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** This document */
        get: operations["getOpenapi"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/runstone/v1/frames": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Deliver a writer's frame
         * @description Frame and answer are protobuf, see docs/formats/frame.md. Refused operations are named in the answer; their neighbours are applied, durable and readable.
         */
        post: operations["postFrame"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/runstone/v1/runs": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Runs, page by page */
        get: operations["listRuns"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/runstone/v1/runs/{run}": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description An id, the start of one (4 characters or more) that fits one run only, or a name; percent-encoded. */
                run: string;
            };
            cookie?: never;
        };
        /** Everything about a run but its series */
        get: operations["getRun"];
        put?: never;
        post?: never;
        /**
         * Move a run to the trash
         * @description It is gone from every read at once, and later frames of its writers are refused.
         */
        delete: operations["deleteRun"];
        options?: never;
        head?: never;
        /** Change properties and tags of a run */
        patch: operations["editRun"];
        trace?: never;
    };
    "/runstone/v1/runs/{run}/undelete": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description An id, the start of one (4 characters or more) that fits one run only, or a name; percent-encoded. */
                run: string;
            };
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Take a run back from the trash */
        post: operations["undeleteRun"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/runstone/v1/edits": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Edit, delete, undelete or purge many runs
         * @description Each run is done whole or not at all; all that were done stand in one transaction.
         */
        post: operations["editRuns"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/runstone/v1/table": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** The table of runs: columns, sort, filter */
        post: operations["readTable"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/runstone/v1/columns": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** What the table can show */
        get: operations["listColumns"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/runstone/v1/experiments": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** All experiments */
        get: operations["listExperiments"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/runstone/v1/runs/{run}/series": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description An id, the start of one (4 characters or more) that fits one run only, or a name; percent-encoded. */
                run: string;
            };
            cookie?: never;
        };
        /** Series of a run with their summaries */
        get: operations["listSeries"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/runstone/v1/runs/{run}/points": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description An id, the start of one (4 characters or more) that fits one run only, or a name; percent-encoded. */
                run: string;
            };
            cookie?: never;
        };
        /** Points of one series, page by page */
        get: operations["readPoints"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/runstone/v1/lines": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Many series at the resolution of a screen
         * @description As JSON, or with `Accept: application/vnd.apache.arrow.stream` as one Arrow IPC stream: columns line, x, y and step; the heads are JSON under the key `runstone.lines` of the schema's metadata.
         */
        post: operations["readLines"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/runstone/v1/best": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** The best run of an experiment by a metric */
        get: operations["findBest"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/runstone/v1/runs/{run}/logs": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description An id, the start of one (4 characters or more) that fits one run only, or a name; percent-encoded. */
                run: string;
            };
            cookie?: never;
        };
        /**
         * Terminal lines of a run
         * @description By writer and number, page by page; with `tail` the last ones, by time. As JSON, or with `Accept: text/plain` as text, one line each, with the cursor of the next page in the header `Runstone-Next-Cursor`. To follow a log, ask each writer `from` the `next` of its log.
         */
        get: operations["listLogLines"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/runstone/v1/runs/{run}/records": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description An id, the start of one (4 characters or more) that fits one run only, or a name; percent-encoded. */
                run: string;
            };
            cookie?: never;
        };
        /** Log records of a run */
        get: operations["listLogRecords"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/runstone/v1/runs/{run}/object-series": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description An id, the start of one (4 characters or more) that fits one run only, or a name; percent-encoded. */
                run: string;
            };
            cookie?: never;
        };
        /** Object series of a run, with how much they hold */
        get: operations["listObjectSeries"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/runstone/v1/runs/{run}/objects": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description An id, the start of one (4 characters or more) that fits one run only, or a name; percent-encoded. */
                run: string;
            };
            cookie?: never;
        };
        /** Objects of one series, by step */
        get: operations["listObjects"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/runstone/v1/changes": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Committed changes, page by page */
        get: operations["listChanges"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/runstone/v1/changes/stream": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Committed changes as server-sent events
         * @description Events: `change` with a ChangeItem, `caught_up` and `reset` with a StreamPosition; the id of an event is its change number. A comment every 15 seconds. A reader that is too slow is cut off, and goes on with its last id.
         */
        get: operations["streamChanges"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/runstone/v1/runs/{run}/artifacts": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description An id, the start of one (4 characters or more) that fits one run only, or a name; percent-encoded. */
                run: string;
            };
            cookie?: never;
        };
        /** Artifacts of a run, by path */
        get: operations["listArtifacts"];
        put?: never;
        /**
         * Begin the upload of an artifact
         * @description Answers that the bytes are there already, or where to PUT them. Until they are there the artifact is pending.
         */
        post: operations["beginArtifact"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/runstone/v1/runs/{run}/artifacts/{path}": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description An id, the start of one (4 characters or more) that fits one run only, or a name; percent-encoded. */
                run: string;
                /** @description Path of the artifact; a slash in it may stand as it is. */
                path: string;
            };
            cookie?: never;
        };
        /**
         * The bytes of an artifact
         * @description The newest version whose bytes are there, or the one asked for. HEAD is taken too. The tag (`ETag`) is the digest; `If-None-Match` and `If-Range` are heeded, and one range of bytes.
         */
        get: operations["readArtifact"];
        /**
         * Send the bytes of an upload
         * @description Only at an address that `beginArtifact` has answered, whose query is its permission: no token is asked. The bytes are verified while they come; other bytes than were announced leave nothing.
         */
        put: operations["putArtifact"];
        post?: never;
        /**
         * Remove an artifact
         * @description One version, or all of them. Its bytes go once nobody refers to them.
         */
        delete: operations["deleteArtifact"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/runstone/v1/runs/{run}/uploads/{upload}": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description An id, the start of one (4 characters or more) that fits one run only, or a name; percent-encoded. */
                run: string;
                /** @description Number of the upload. */
                upload: number;
            };
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Finish an upload that went into the bucket itself */
        post: operations["finishUpload"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/runstone/v1/storage": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Bytes by run, experiment and kind */
        get: operations["readStorage"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/runstone/v1/gc": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Purge the trash and give free space back
         * @description Purges runs whose time in the trash is over, and returns free pages to the file system, in slices between the frames of writers. One request works for a few seconds; send it again until `done` is true.
         */
        post: operations["collectGarbage"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/runstone/v1/snapshot": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Copy the data folder
         * @description A consistent copy to a folder on the server's machine, made while frames come in. Answered once the copy is durable, which takes as long as writing it does.
         */
        post: operations["makeSnapshot"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
}
export type webhooks = Record<string, never>;
export interface components {
    schemas: {
        /** @description An id that another system's client knows the run by. */
        Alias: {
            /** @description The dialect, as `dalva`. */
            dialect: string;
            /** @description The id there. */
            id: string;
        };
        /** @description How an upload begins. */
        ArtifactBegun: {
            /** @description The artifact: ready if the bytes are there already, else pending. */
            artifact: components["schemas"]["ArtifactItem"];
            /** @description Where to put the bytes; null if they are there already. */
            upload: components["schemas"]["UploadAddress"] | null;
        };
        /** @description A version of an artifact. */
        ArtifactItem: {
            /** @description Id of its run. */
            run: components["schemas"]["RunId"];
            /** @description Where in the run. */
            path: string;
            /**
             * Format: uint32
             * @description 1, 2, ... among those of one path; other bytes or another type make a new version.
             */
            version: number;
            /** @description Whether its bytes are there. */
            state: components["schemas"]["ArtifactState"];
            /** @description SHA-256 of the bytes. */
            digest: string;
            /**
             * Format: uint64
             * @description How many bytes.
             */
            bytes: number;
            /** @description Their type. */
            media_type: string;
            /**
             * Format: int64
             * @description The server's clock when its upload was begun.
             */
            created_at_micros: number;
        };
        /** @description One page of artifacts, by path and version. */
        ArtifactList: {
            /** @description The artifacts. */
            artifacts: components["schemas"]["ArtifactItem"][];
            /** @description Where the next page starts; null at the end. */
            next_cursor: string | null;
        };
        /** @description What to ask of `POST /runstone/v1/runs/{run}/artifacts`: the start of an upload. */
        ArtifactRequest: {
            /**
             * @description Where in the run: relative, 1 to 1,024 bytes, segments joined by `/`; no `..`, backslash,
             *     drive or control character.
             */
            path: string;
            /** @description SHA-256 of the bytes, as `sha256:` and 64 lower-case hexadecimal digits. */
            digest: string;
            /**
             * Format: uint64
             * @description How many bytes.
             */
            bytes: number;
            /** @description Their type, as `image/png`; `application/octet-stream` unless given. */
            media_type?: string | null;
            /**
             * @description Put the bytes into the bucket itself, past the server, where the server keeps blobs in one.
             *     Such an upload is to be finished by its own request.
             */
            direct?: boolean;
        };
        /**
         * @description Whether the bytes of an artifact are there.
         * @enum {string}
         */
        ArtifactState: "pending" | "ready" | "expired";
        /** @description The best run by a metric. */
        BestRun: {
            /** @description The run. */
            run: components["schemas"]["RunItem"];
            /** @description Name of the metric. */
            metric: string;
            /** @description Context, an object. */
            context: components["schemas"]["Context"];
            /** @description By which goal. */
            goal: components["schemas"]["Goal"];
            /** @description Its best value; the older run among equals. */
            value: components["schemas"]["Number"];
            /**
             * Format: double
             * @description Where that value stands.
             */
            step: number;
            /**
             * Format: uint64
             * @description Runs that have the metric.
             */
            runs_compared: number;
        };
        /** @description Blobs of artifacts: what lies in their place, and what of it is referred to. */
        BlobStorage: {
            /**
             * Format: uint64
             * @description Blobs that lie there.
             */
            blobs: number;
            /**
             * Format: uint64
             * @description Their bytes.
             */
            bytes: number;
            /**
             * Format: uint64
             * @description Bytes of uploads under way, or left by such; `gc` removes the latter.
             */
            upload_bytes: number;
            /**
             * Format: uint64
             * @description Blobs that runs refer to, deleted ones in the trash too.
             */
            referred_blobs: number;
            /**
             * Format: uint64
             * @description Their bytes, each blob once. What lies there beyond that `gc` deletes in two passes.
             */
            referred_bytes: number;
        };
        /** @description One committed mutation. */
        ChangeItem: {
            /**
             * Format: uint64
             * @description Its number: one count a store.
             */
            change: number;
            /**
             * Format: int64
             * @description The server's clock.
             */
            at_micros: number;
            /** @description The run, as its id. */
            run: components["schemas"]["RunId"];
            /** @description Its experiment after the change. */
            experiment: string;
            /** @description What was changed, in the order of `ChangeKind`. */
            kinds: components["schemas"]["ChangeKind"][];
            /** @description Transitions of its lifecycle, with the kind `state`. */
            events?: components["schemas"]["EventItem"][];
        };
        /**
         * @description What a change touched.
         * @enum {string}
         */
        ChangeKind: "created" | "state" | "properties" | "tags" | "params" | "points" | "scalars" | "writers" | "warnings" | "deleted" | "undeleted" | "logs" | "objects" | "artifacts";
        /** @description One page of changes, oldest first. */
        ChangesPage: {
            /** @description The changes; each number stands once. */
            changes: components["schemas"]["ChangeItem"][];
            /**
             * Format: uint64
             * @description Pass it as `since` to go on: the number up to which this page has looked.
             */
            next: number;
            /**
             * Format: uint64
             * @description The newest change of the store; the reader is up to date when `next` equals it.
             */
            newest: number;
            /**
             * @description What was after `since` is no longer kept whole (or the store is another one): read again
             *     what you show, then go on from `next`.
             */
            reset: boolean;
        };
        /** @description A column of the table. */
        Column: components["schemas"]["ColumnProperty"] | components["schemas"]["ColumnParam"] | components["schemas"]["ColumnMetric"];
        /** @description A value of a metric's summary. */
        ColumnMetric: {
            /** @description Name. */
            name: string;
            /** @description Context, an object; absent: the first context of the run that has the metric. */
            context?: components["schemas"]["Context"] | null;
            /** @description Which value. */
            value: components["schemas"]["MetricValue"];
            /**
             * @description discriminator enum property added by openapi-typescript
             * @enum {string}
             */
            kind: "metric";
        };
        /** @description The param at a path. */
        ColumnParam: {
            /** @description Keys from the root. */
            path: string[];
            /**
             * @description discriminator enum property added by openapi-typescript
             * @enum {string}
             */
            kind: "param";
        };
        /** @description A property of the run. Its cell is null: the row has it. */
        ColumnProperty: {
            /** @description Which. */
            property: components["schemas"]["RunProperty"];
            /**
             * @description discriminator enum property added by openapi-typescript
             * @enum {string}
             */
            kind: "property";
        };
        /** @description What there is to choose from: of the newest runs, at most so many of each as the answer says. */
        ColumnsAnswer: {
            /** @description Paths of params, sorted. */
            params: string[][];
            /** @description Metrics, sorted by name and context. */
            metrics: components["schemas"]["MetricColumn"][];
            /** @description Tags, sorted. */
            tags: string[];
            /**
             * Format: uint64
             * @description Newest runs that were looked at.
             */
            runs_examined: number;
            /** @description There are runs that were not looked at. */
            truncated: boolean;
        };
        /** @description What was logged, and what of it is here. */
        Completeness: {
            /**
             * Format: uint64
             * @description Points of all calls, as far as known; never below the sum of the next three.
             */
            logged: number;
            /**
             * Format: uint64
             * @description Points that are here, history included.
             */
            durable: number;
            /**
             * Format: uint64
             * @description Points refused, at the client or here.
             */
            refused: number;
            /**
             * Format: uint64
             * @description Points dropped at the client.
             */
            dropped: number;
            /**
             * Format: uint64
             * @description Slots recorded as lost.
             */
            lost_slots: number;
        };
        /** @description Context of a series: what tells it from others of its name. */
        Context: {
            [key: string]: components["schemas"]["JsonValue"];
        };
        /** @description Points of a series that the client dropped. */
        DroppedItem: {
            /** @description Name. */
            name: string;
            /** @description Context, an object. */
            context: components["schemas"]["Context"];
            /**
             * Format: uint64
             * @description How many.
             */
            points: number;
        };
        /** @description What to do with runs. */
        EditAction: components["schemas"]["EditActionEdit"] | components["schemas"]["EditActionDelete"] | components["schemas"]["EditActionUndelete"] | components["schemas"]["EditActionPurge"];
        /**
         * @description Move to the trash: gone from every read at once, and later frames of its writers are
         *     refused.
         */
        EditActionDelete: {
            /**
             * @description discriminator enum property added by openapi-typescript
             * @enum {string}
             */
            kind: "delete";
        };
        /** @description Change properties and tags. */
        EditActionEdit: {
            /** @description What to change. */
            edit: components["schemas"]["RunEdit"];
            /**
             * @description discriminator enum property added by openapi-typescript
             * @enum {string}
             */
            kind: "edit";
        };
        /**
         * @description Delete for good: a run that lives, and every one in the trash with this id. Only what
         *     refuses later frames of their writers is kept.
         */
        EditActionPurge: {
            /**
             * @description discriminator enum property added by openapi-typescript
             * @enum {string}
             */
            kind: "purge";
        };
        /** @description Take back from the trash. */
        EditActionUndelete: {
            /**
             * @description discriminator enum property added by openapi-typescript
             * @enum {string}
             */
            kind: "undelete";
        };
        /** @description What became of one run. */
        EditResult: {
            /** @description The run, as it was asked for. */
            run: string;
            /** @description It was as asked already, so nothing was written. */
            unchanged: boolean;
            /** @description Why nothing was done with this run. */
            error?: components["schemas"]["ItemError"];
        };
        /**
         * @description One result a run, in the order asked. Each run is done whole or not at all; all that were done
         *     stand in one transaction, durable and readable when this is answered.
         */
        EditsAnswer: {
            /**
             * Format: uint64
             * @description The newest change; a read at or past it sees all of this.
             */
            change: number;
            /** @description The results. */
            results: components["schemas"]["EditResult"][];
        };
        /** @description What to ask of `POST /runstone/v1/edits`. */
        EditsRequest: {
            /**
             * @description The runs, 1 to `EDIT_RUNS_MAX`, as ids. For `undelete` the last deleted run of an id is
             *     meant.
             */
            runs: string[];
            /** @description What to do with each. */
            action: components["schemas"]["EditAction"];
        };
        /** @description Why something ended: a word for programs and a text for people. */
        EndReason: {
            /** @description The word. */
            code: components["schemas"]["ReasonCode"];
            /** @description Verbatim, as the client told it; may be empty. */
            text: string;
        };
        /**
         * @description Name of a kind of error, as in the type of a problem document.
         * @enum {string}
         */
        ErrorName: "invalid" | "unauthorized" | "forbidden" | "not_found" | "method_not_allowed" | "request_timeout" | "conflict" | "too_large" | "unsupported_media_type" | "range_not_satisfiable" | "misdirected" | "too_many" | "internal" | "unavailable" | "corrupt";
        /** @description One step of a run's life. */
        EventItem: {
            /**
             * Format: uint64
             * @description Change number of the transition.
             */
            change: number;
            /** @description State before; null at creation. */
            from: components["schemas"]["RunState"] | null;
            /** @description State after. */
            to: components["schemas"]["RunState"];
            /** @description What happened. */
            event: components["schemas"]["LifecycleEvent"];
            /** @description Who. */
            actor: string;
            /**
             * Format: int64
             * @description When.
             */
            at_micros: number;
            /** @description Cause. */
            reason: components["schemas"]["EndReason"] | null;
            /** @description The writer concerned. */
            writer: components["schemas"]["WriterId"] | null;
        };
        /** @description An experiment. */
        ExperimentItem: {
            /** @description Its id. */
            id: string;
            /** @description Name. */
            name: string;
            /** @description Title. */
            title: string | null;
            /** @description Description. */
            description: string | null;
            /**
             * Format: int64
             * @description When it was first named.
             */
            created_at_micros: number;
            /** @description Archived or not. */
            archived: boolean;
            /**
             * Format: uint64
             * @description Living runs.
             */
            runs: number;
        };
        /** @description `GET /runstone/v1/experiments`. */
        ExperimentList: {
            /** @description The experiments, by name. */
            experiments: components["schemas"]["ExperimentItem"][];
        };
        /** @description What the runs of one experiment hold. */
        ExperimentStorage: {
            /** @description Its name. */
            experiment: string;
            /**
             * Format: uint64
             * @description Runs, living and deleted.
             */
            runs: number;
            /**
             * Format: uint64
             * @description Their bytes.
             */
            bytes: number;
            /**
             * Format: uint64
             * @description Those of deleted runs among them.
             */
            trash_bytes: number;
            /**
             * Format: uint64
             * @description Bytes of the blobs that each run refers to, added up; not part of `bytes`.
             */
            blob_bytes: number;
        };
        /** @description What to ask of `POST /runstone/v1/runs/{run}/uploads/{upload}`. */
        FinishRequest: {
            /** @description The path for which the upload was begun. */
            path: string;
        };
        /** @description Where a run was forked. */
        ForkItem: {
            /** @description Id of the parent; null once it is purged. */
            run: components["schemas"]["RunId"] | null;
            /**
             * Format: uint64
             * @description Internal key of the parent.
             */
            parent_key: number;
            /**
             * Format: double
             * @description Step of the fork.
             */
            step: number;
            /**
             * Format: uint64
             * @description The parent's append number at the fork.
             */
            append: number;
        };
        /** @description What one turn did. A turn takes a few seconds; ask again until it is done. */
        GcAnswer: {
            /** @description Ids of the runs that were purged. */
            purged: string[];
            /**
             * Format: uint64
             * @description Bytes by which the database became shorter.
             */
            returned_bytes: number;
            /**
             * Format: uint64
             * @description Free pages of the database that are left.
             */
            reusable_bytes: number;
            /**
             * Format: uint64
             * @description The database, free pages included.
             */
            database_bytes: number;
            /**
             * Format: uint64
             * @description Uploads that ended without their blob, and whose remains are gone.
             */
            uploads_swept?: number;
            /**
             * Format: uint64
             * @description Blobs that were deleted.
             */
            blobs_deleted?: number;
            /**
             * Format: uint64
             * @description Their bytes.
             */
            blobs_deleted_bytes?: number;
            /** @description Why some blobs were not looked at or not deleted; a later pass tries again. */
            blobs_failure: string | null;
            /** @description Nothing is left to purge or to give back. */
            done: boolean;
        };
        /** @description What to ask of `POST /runstone/v1/gc`. */
        GcRequest: {
            /**
             * Format: uint32
             * @description Purge runs that were deleted so many days ago, instead of those past the server's own
             *     period; 0 empties the trash. Blobs that nobody refers to wait for one day before they are
             *     deleted; with 0 days they do not.
             */
            trash_days?: number | null;
        };
        /**
         * @description Whether a metric is better when it is small or when it is great.
         * @enum {string}
         */
        Goal: "min" | "max";
        /** @description Why one item of several was not done; the others were. */
        ItemError: {
            /** @description Kind, as in `Problem`: `not_found`, `conflict`, `invalid`, `corrupt`. */
            kind: components["schemas"]["ErrorName"];
            /** @description What failed and with which value. */
            detail: string;
            /** @description The next step. */
            hint: string | null;
        };
        /** @description A tree; non-finite numbers are text. */
        JsonObject: {
            [key: string]: components["schemas"]["JsonValue"];
        };
        /** @description Any JSON. */
        JsonValue: unknown;
        /**
         * @description Something that happens to a run.
         * @enum {string}
         */
        LifecycleEvent: "create" | "start" | "heartbeat" | "succeed" | "fail" | "lease_expired" | "recovery_expired" | "resume" | "late_end";
        /** @description A series at the resolution asked for. */
        Line: components["schemas"]["LineHead"] & {
            /** @description x of the points, rising or equal. */
            x: components["schemas"]["Number"][];
            /** @description Values. */
            y: components["schemas"]["Number"][];
            /** @description Steps of the points; absent where x is the step. */
            steps?: number[];
        };
        /** @description What is known of a line besides its points. */
        LineHead: {
            /** @description Id of the run; what was asked for, where there is no such run. */
            run: string;
            /** @description Name of the metric. */
            name: string;
            /** @description Context, an object. */
            context: components["schemas"]["Context"];
            /** @description Type it reads as; absent with an error. */
            value_type: components["schemas"]["ValueType"] | null;
            /** @description Goal of the metric in the run's experiment. */
            goal: components["schemas"]["Goal"] | null;
            /**
             * Format: uint64
             * @description Readable points in the window that have an x.
             */
            points: number;
            /** @description Every one of them is in the answer. */
            exact: boolean;
            /** @description Why this line has no points; its neighbours are answered. */
            error?: components["schemas"]["ItemError"];
        };
        /** @description What stands on x. */
        LineX: components["schemas"]["LineXStep"] | components["schemas"]["LineXRelativeTime"] | components["schemas"]["LineXTime"] | components["schemas"]["LineXEpoch"] | components["schemas"]["LineXMetric"];
        /** @description The epoch; points without a finite one are left out. */
        LineXEpoch: {
            /**
             * @description discriminator enum property added by openapi-typescript
             * @enum {string}
             */
            kind: "epoch";
        };
        /**
         * @description The value of another metric of the same run at the same step; points without one are left
         *     out, and so are those where it is NaN or infinite.
         */
        LineXMetric: {
            /** @description Name of that metric. */
            name: string;
            /** @description Its context, an object; absent is `{}`. */
            context?: components["schemas"]["Context"] | null;
            /**
             * @description discriminator enum property added by openapi-typescript
             * @enum {string}
             */
            kind: "metric";
        };
        /** @description Seconds since the run started, or was created if it never did. */
        LineXRelativeTime: {
            /**
             * @description discriminator enum property added by openapi-typescript
             * @enum {string}
             */
            kind: "relative_time";
        };
        /** @description The step. */
        LineXStep: {
            /**
             * @description discriminator enum property added by openapi-typescript
             * @enum {string}
             */
            kind: "step";
        };
        /** @description Microseconds since 1970 UTC, by the client's clock. */
        LineXTime: {
            /**
             * @description discriminator enum property added by openapi-typescript
             * @enum {string}
             */
            kind: "time";
        };
        /** @description The answer as JSON. As Arrow the same stands in one stream; see docs/reference/api.md. */
        Lines: {
            /**
             * Format: uint64
             * @description The change number that the answer stands at.
             */
            change: number;
            /** @description One line for each series asked for, in the order asked. */
            lines: components["schemas"]["Line"][];
        };
        /** @description What to ask of `POST /runstone/v1/lines`. */
        LinesRequest: {
            /** @description The series, 1 to `LINES_SERIES_MAX`; the answer has one line each, in this order. */
            series: components["schemas"]["SeriesAddress"][];
            /** @description Pixels over the window, 1 to `LINES_PIXELS_MAX`. */
            pixels: number;
            /** @description What stands on x. */
            x?: components["schemas"]["LineX"];
            /** @description The axis of x is logarithmic: pixels are equal in log x, what is not above 0 is left out. */
            log_x?: boolean;
            /**
             * Format: double
             * @description The window begins at this x, inclusive, in the unit of x. One point before it is added, so
             *     that the line enters the window.
             */
            from?: number | null;
            /**
             * Format: double
             * @description The window ends at this x, inclusive. One point after it is added.
             */
            to?: number | null;
        };
        /** @description A terminal line. */
        LogLineItem: {
            /** @description Who wrote it. */
            writer: components["schemas"]["WriterId"];
            /**
             * Format: uint64
             * @description Its number among the writer's lines; numbers may have gaps.
             */
            number: number;
            /** @description `stdout` or `stderr`. */
            stream: components["schemas"]["LogStream"];
            /**
             * Format: int64
             * @description The client's clock.
             */
            time_micros: number;
            /** @description Without its line break. */
            text: string;
            /**
             * Format: uint64
             * @description Bytes that were cut off, if any were.
             */
            cut_bytes?: number;
        };
        /** @description A log record. */
        LogRecordItem: {
            /** @description Who wrote it. */
            writer: components["schemas"]["WriterId"];
            /**
             * Format: uint64
             * @description Its number among the writer's records.
             */
            number: number;
            /**
             * Format: int32
             * @description How grave it is, as Python counts: 10 debug, 20 info, 30 warning, 40 error, 50 critical.
             */
            level: number;
            /**
             * Format: int64
             * @description The client's clock.
             */
            time_micros: number;
            /** @description What it says. */
            message: string;
            /** @description Name of the logger. */
            logger?: string;
            /** @description Source file, where it is known. */
            file?: string;
            /**
             * Format: uint32
             * @description Line in it.
             */
            source_line?: number;
            /** @description Extra arguments. */
            extra?: components["schemas"]["JsonValue"];
            /**
             * Format: uint64
             * @description Bytes that were cut off, if any were.
             */
            cut_bytes?: number;
        };
        /**
         * @description Where a terminal line was written to.
         * @enum {string}
         */
        LogStream: "stdout" | "stderr";
        /** @description A writer's log. */
        LogWriterItem: {
            /** @description Whose it is. */
            writer: components["schemas"]["WriterId"];
            /**
             * Format: uint64
             * @description One past its last number: ask `from` it for what comes later.
             */
            next: number;
            /**
             * Format: uint64
             * @description Bytes that were ever logged.
             */
            bytes: number;
        };
        /** @description Terminal lines, by writer and number; with `tail` by time. */
        LogsPage: {
            /** @description The lines. */
            lines: components["schemas"]["LogLineItem"][];
            /** @description All logs that the run has, in the order of their writers. */
            writers: components["schemas"]["LogWriterItem"][];
            /** @description Where the next page starts; null at the end. A page may be empty and have one. */
            next_cursor: string | null;
        };
        /** @description A metric to choose. */
        MetricColumn: {
            /** @description Name. */
            name: string;
            /** @description Context, an object. */
            context: components["schemas"]["Context"];
        };
        /** @description Goal, unit and default x of a metric name. */
        MetricDefinitionItem: {
            /** @description Name. */
            name: string;
            /** @description Goal. */
            goal: components["schemas"]["Goal"] | null;
            /** @description Unit. */
            unit: string | null;
            /** @description What to draw on x. */
            default_x: string | null;
        };
        /** @description Last and best value of a series, for a table of runs. */
        MetricItem: {
            /** @description Name. */
            name: string;
            /** @description Context, an object. */
            context: components["schemas"]["Context"];
            /** @description Goal of the metric in the run's experiment. */
            goal: components["schemas"]["Goal"] | null;
            /** @description Point of the greatest step. */
            last: components["schemas"]["PointItem"] | null;
            /** @description Best point by the goal; null without one. */
            best: components["schemas"]["PointItem"] | null;
        };
        /**
         * @description Which value of a metric's summary.
         * @enum {string}
         */
        MetricValue: "last" | "best" | "min" | "max" | "mean" | "last_step";
        /** @description A number; what JSON can't say is text. */
        Number: number | ("NaN" | "Infinity" | "-Infinity");
        /** @description An object. */
        ObjectItem: {
            /** @description What it is, as it was logged. */
            document: components["schemas"]["JsonValue"];
            /** @description The blobs that it refers to, as `sha256:` and 64 hexadecimal digits. */
            digests: string[];
        };
        /** @description An object series. */
        ObjectSeriesItem: {
            /** @description Name. */
            name: string;
            /** @description Context. */
            context: components["schemas"]["Context"];
            /** @description Kind of objects. */
            kind: components["schemas"]["SeriesKind"];
            /**
             * Format: uint64
             * @description Steps that have objects.
             */
            steps: number;
            /**
             * Format: uint64
             * @description Objects at these steps.
             */
            objects: number;
            /**
             * Format: double
             * @description The smallest step.
             */
            first_step: number;
            /**
             * Format: double
             * @description The greatest step.
             */
            last_step: number;
        };
        /** @description Object series of a run that have something to show. */
        ObjectSeriesList: {
            /** @description By name, context and kind. */
            series: components["schemas"]["ObjectSeriesItem"][];
        };
        /** @description The objects that one call gave for one step. */
        ObjectSetItem: {
            /**
             * Format: double
             * @description The step.
             */
            step: number;
            /**
             * Format: int64
             * @description The client's clock.
             */
            time_micros: number;
            /**
             * Format: double
             * @description Epoch, if the call gave one.
             */
            epoch?: number;
            /** @description With `history`: whether it shows. */
            visible?: boolean;
            /**
             * Format: uint32
             * @description With `history`: its generation; each rewind opens the next.
             */
            generation?: number;
            /**
             * Format: uint64
             * @description With `history`: append number of its frame.
             */
            append?: number;
            /** @description In the order of their index within the step. */
            objects: components["schemas"]["ObjectItem"][];
        };
        /** @description Objects of one series, by step. */
        ObjectsPage: {
            /** @description One a step; with `history` all that were ever logged. */
            sets: components["schemas"]["ObjectSetItem"][];
            /** @description Where the next page starts; null at the end. */
            next_cursor: string | null;
        };
        /**
         * @description Which runs come first: those created last, or those created first.
         * @enum {string}
         */
        Order: "newest" | "oldest";
        /** @description A value and where it stands. */
        PointItem: {
            /**
             * Format: double
             * @description Step.
             */
            step: number;
            /**
             * Format: int64
             * @description The client's clock.
             */
            time_micros: number;
            /** @description Value. */
            value: components["schemas"]["Number"];
        };
        /** @description One page of points, as columns of one length. */
        PointsPage: {
            /** @description Type the series reads as. */
            value_type: components["schemas"]["ValueType"];
            /** @description Steps, rising. */
            steps: number[];
            /** @description The client's clock. */
            times_micros: number[];
            /** @description Values. */
            values: components["schemas"]["Number"][];
            /** @description Epochs, null where a call gave none; absent where no call of the page did. */
            epochs?: (number | null)[];
            /** @description With history: shown at its step or hidden. */
            visible?: boolean[];
            /** @description With history: number of rewinds before it. */
            generations?: number[];
            /** @description With history: append number of its frame. */
            appends?: number[];
            /** @description Where the next page starts; null at the end. */
            next_cursor: string | null;
        };
        /** @description An error, after RFC 9457 (`application/problem+json`). */
        Problem: {
            /** @description `urn:runstone:problem:` and the name of the kind. */
            type: string;
            /** @description What the kind means. */
            title: string;
            /**
             * Format: uint32
             * @description HTTP status.
             */
            status: number;
            /** @description What failed and with which value. */
            detail: string;
            /** @description The next step. */
            hint: string | null;
            /** @description Path of the request. */
            instance: string;
        };
        /**
         * @description Why a run or a writer did not end as it should, in one word.
         * @enum {string}
         */
        ReasonCode: "exception" | "signal" | "exit_code" | "oom" | "abandoned" | "interrupted" | "lost" | "unknown";
        /** @description Log records, by writer and number; with `tail` by time. */
        RecordsPage: {
            /** @description The records. */
            records: components["schemas"]["LogRecordItem"][];
            /** @description All logs that the run has, in the order of their writers. */
            writers: components["schemas"]["LogWriterItem"][];
            /** @description Where the next page starts; null at the end. A page may be empty and have one. */
            next_cursor: string | null;
        };
        /** @description `GET /runstone/v1/runs/{run}`: everything about a run but its series. */
        RunDetail: components["schemas"]["RunItem"] & {
            /** @description The run that this one repeats. */
            rerun_of: components["schemas"]["RunId"] | null;
            /** @description Where it was forked. */
            parent: components["schemas"]["ForkItem"] | null;
            /**
             * Format: uint32
             * @description Number of its variation.
             */
            variation: number | null;
            /**
             * Format: uint32
             * @description Number inside the variation.
             */
            number: number | null;
            /** @description Ids in other systems. */
            aliases: components["schemas"]["Alias"][];
            /** @description The writer whose end is the run's end. */
            primary_writer: components["schemas"]["WriterId"] | null;
            /**
             * Format: uint32
             * @description Number of rewinds.
             */
            generation: number;
            /**
             * Format: uint64
             * @description Newest change that touched it.
             */
            change: number;
            /** @description Params as a tree; non-finite numbers are text. */
            params: components["schemas"]["JsonObject"];
            /** @description Scalars by name. */
            scalars: components["schemas"]["ScalarItem"][];
            /** @description Writers, in the order of their first frame. */
            writers: components["schemas"]["WriterItem"][];
            /** @description Lifecycle, oldest first. */
            events: components["schemas"]["EventItem"][];
            /** @description Warnings by kind. */
            warnings: components["schemas"]["WarningItem"][];
            /** @description Definitions of metrics in its experiment, by name. */
            metrics_defined: components["schemas"]["MetricDefinitionItem"][];
        };
        /** @description What to change of a run; absent fields stay. The body of `PATCH /runstone/v1/runs/{run}`. */
        RunEdit: {
            /** @description A new name; empty or null takes it away. */
            name?: string | null;
            /** @description A new description; empty or null takes it away. */
            description?: string | null;
            /** @description Move to the experiment of this name, which is created if there is none. */
            experiment?: string | null;
            /** @description Archive, or take back from the archive. */
            archived?: boolean | null;
            /** @description Exactly these tags; before `add_tags` and `remove_tags`. */
            tags?: string[] | null;
            /** @description Tags to add. */
            add_tags?: string[];
            /** @description Tags to remove; absent ones are no error. */
            remove_tags?: string[];
        };
        /** @description Id of a run: 1 to 128 bytes without `/`, `\` and control characters. */
        RunId: string;
        /** @description A run as a table shows it. */
        RunItem: {
            /** @description Its id. */
            id: components["schemas"]["RunId"];
            /** @description Its name. */
            name: string | null;
            /** @description Its description. */
            description: string | null;
            /** @description Name of its experiment. */
            experiment: string;
            /** @description State. */
            state: components["schemas"]["RunState"];
            /** @description Why it ended so. */
            reason: components["schemas"]["EndReason"] | null;
            /** @description Archived or not. */
            archived: boolean;
            /** @description Tags, sorted. */
            tags: string[];
            /** @description Group. */
            group: string | null;
            /** @description Job type. */
            job_type: string | null;
            /**
             * Format: int64
             * @description Seed.
             */
            seed: number | null;
            /**
             * Format: int64
             * @description The client's clock at creation.
             */
            created_at_micros: number;
            /**
             * Format: int64
             * @description When it began to run.
             */
            started_at_micros: number | null;
            /**
             * Format: int64
             * @description When it ended.
             */
            ended_at_micros: number | null;
            /**
             * Format: int64
             * @description The server's clock at its last frame.
             */
            last_received_at_micros: number | null;
            /**
             * Format: int64
             * @description The server's clock when it was deleted; null while it lives.
             */
            deleted_at_micros: number | null;
            /** @description What was logged, and what of it is here. */
            completeness: components["schemas"]["Completeness"];
            /** @description Values of the chosen metrics; absent where none were asked. */
            metrics?: components["schemas"]["MetricItem"][];
        };
        /** @description One page of runs. */
        RunList: {
            /** @description The runs, in the order asked. */
            runs: components["schemas"]["RunItem"][];
            /** @description Where the next page starts; null at the end. */
            next_cursor: string | null;
        };
        /**
         * @description A property to sort by.
         * @enum {string}
         */
        RunProperty: "id" | "name" | "experiment" | "state" | "created" | "started" | "ended" | "last_received" | "duration" | "points";
        /**
         * @description State of a run.
         * @enum {string}
         */
        RunState: "pending" | "running" | "succeeded" | "failed" | "lost";
        /** @description What one run holds. */
        RunStorage: {
            /** @description Its id. */
            id: components["schemas"]["RunId"];
            /** @description Its experiment. */
            experiment: string;
            /**
             * Format: int64
             * @description When it was deleted; null while it lives.
             */
            deleted_at_micros: number | null;
            /**
             * Format: uint64
             * @description All its bytes.
             */
            bytes: number;
            /** @description The same by what they hold. */
            kinds: components["schemas"]["StorageByKind"];
            /**
             * Format: uint64
             * @description Bytes of the blobs that it refers to, each once; other runs may refer to the same. Not part
             *     of `bytes`.
             */
            blob_bytes: number;
        };
        /** @description A scalar. */
        ScalarItem: {
            /** @description Name. */
            name: string;
            /** @description Bool, number or text; non-finite numbers are text. */
            value: components["schemas"]["ScalarValue"];
            /**
             * Format: int64
             * @description The client's clock.
             */
            time_micros: number;
        };
        /** @description Bool, number or text; non-finite numbers are text. */
        ScalarValue: boolean | number | string;
        /** @description A series of a run. */
        SeriesAddress: {
            /** @description Id of the run. */
            run: string;
            /** @description Name of the metric. */
            name: string;
            /** @description Context, an object; absent is `{}`. With anything else this line alone is an error. */
            context?: components["schemas"]["JsonValue"];
        };
        /** @description A series and the summary of its readable points. */
        SeriesItem: {
            /** @description Name. */
            name: string;
            /** @description Context, an object. */
            context: components["schemas"]["Context"];
            /** @description Kind. */
            kind: components["schemas"]["SeriesKind"];
            /** @description Type it reads as. */
            value_type: components["schemas"]["ValueType"];
            /** @description Goal of the metric in the run's experiment. */
            goal: components["schemas"]["Goal"] | null;
            /** @description Summary. */
            summary: components["schemas"]["SummaryItem"];
            /**
             * @description One value a cell from the first step to the last, null for a cell without a number; only
             *     when asked.
             */
            sparkline?: (components["schemas"]["Number"] | null)[];
        };
        /**
         * @description What a series is made of: numbers, or one kind of objects.
         * @enum {string}
         */
        SeriesKind: "metric" | "image" | "audio" | "text" | "distribution" | "figure" | "table_row";
        /** @description One page of series. */
        SeriesList: {
            /** @description The series, by name, context and kind. */
            series: components["schemas"]["SeriesItem"][];
            /** @description Where the next page starts; null at the end. */
            next_cursor: string | null;
        };
        /** @description `GET /runstone/v1/server`: who is there, and what it takes. */
        ServerDescription: {
            /** @description Id of the store, 32 hex digits. */
            store_id: string;
            /** @description Its incarnation, 32 hex digits: a new one for each restored or re-created folder. */
            incarnation: string;
            /** @description Version of the server. */
            server_version: string;
            /** @description Versions of frames it reads. */
            frame_versions: number[];
            /** @description Sizes it takes. */
            limits: components["schemas"]["ServerLimits"];
            /**
             * Format: int64
             * @description Its clock, for the measure of skew.
             */
            time_micros: number;
        };
        /** @description Sizes a server takes. */
        ServerLimits: {
            /**
             * Format: uint64
             * @description Bytes of one frame.
             */
            frame_bytes_max: number;
            /**
             * Format: uint64
             * @description Runs a page.
             */
            runs_page_max: number;
            /**
             * Format: uint64
             * @description Series a page.
             */
            series_page_max: number;
            /**
             * Format: uint64
             * @description Points a page.
             */
            points_page_max: number;
        };
        /** @description The copy that was made. */
        SnapshotAnswer: {
            /** @description The folder. */
            folder: string;
            /**
             * Format: uint64
             * @description Its bytes.
             */
            bytes: number;
            /**
             * Format: uint64
             * @description The newest change in it.
             */
            change: number;
            /**
             * Format: uint64
             * @description Blobs in it.
             */
            blobs?: number;
            /**
             * Format: uint64
             * @description Their bytes. On one file system they share them with the blobs that they were copied from.
             */
            blob_bytes?: number;
            /**
             * Format: uint64
             * @description Blobs that are referred to and were not there: they are lost.
             */
            blobs_missing?: number;
        };
        /** @description What to ask of `POST /runstone/v1/snapshot`. */
        SnapshotRequest: {
            /**
             * @description The folder for the copy, on the server's machine, as an absolute path. It holds one file,
             *     `runstone.ticket`, and nothing else.
             */
            folder: string;
            /**
             * @description What stands in that file, 32 characters or more: so only who can write to the folder can
             *     have the server write there.
             */
            ticket: string;
        };
        /** @description By what to sort. */
        Sort: {
            /** @description The column; it need not be shown. */
            column: components["schemas"]["Column"];
            /** @description The greatest first. */
            descending?: boolean;
        };
        /**
         * @description Where the bytes of the data folder are. `runs_bytes`, `trash_bytes`, `purging_bytes`,
         *     `journal_bytes`, `rest_bytes` and `reusable_bytes` add up to `database_bytes`.
         */
        StorageAnswer: {
            /**
             * Format: uint64
             * @description The database, free pages included.
             */
            database_bytes: number;
            /**
             * Format: uint64
             * @description The write-ahead log beside it.
             */
            log_bytes: number;
            /**
             * Format: uint64
             * @description Free pages of the database: new data go there, or `gc` returns them.
             */
            reusable_bytes: number;
            /**
             * Format: uint64
             * @description Runs that live.
             */
            runs_bytes: number;
            /**
             * Format: uint64
             * @description Deleted runs that can be taken back.
             */
            trash_bytes: number;
            /**
             * Format: uint64
             * @description What is left of purged runs and goes by and by.
             */
            purging_bytes: number;
            /**
             * Format: uint64
             * @description The journal of changes.
             */
            journal_bytes: number;
            /**
             * Format: uint64
             * @description What belongs to no run.
             */
            rest_bytes: number;
            /** @description Blobs of artifacts, which lie beside the database; null where none are kept. */
            blobs: components["schemas"]["BlobStorage"] | null;
            /** @description Living and deleted runs together, by what the bytes hold. */
            kinds: components["schemas"]["StorageByKind"];
            /**
             * Format: uint64
             * @description How many runs there are, living and deleted.
             */
            runs_total: number;
            /**
             * Format: uint64
             * @description How many experiments have runs.
             */
            experiments_total: number;
            /** @description Runs, those with most bytes first. */
            runs: components["schemas"]["RunStorage"][];
            /** @description Experiments, those with most bytes first. */
            experiments: components["schemas"]["ExperimentStorage"][];
        };
        /** @description Bytes by what they hold. */
        StorageByKind: {
            /**
             * Format: uint64
             * @description Points as they were received, not yet folded.
             */
            frames: number;
            /**
             * Format: uint64
             * @description Folded points of short series.
             */
            packs: number;
            /**
             * Format: uint64
             * @description Folded points of long series.
             */
            chunks: number;
            /**
             * Format: uint64
             * @description Summaries of series.
             */
            summaries: number;
            /**
             * Format: uint64
             * @description Params.
             */
            params: number;
            /**
             * Format: uint64
             * @description Terminal lines and log records.
             */
            logs?: number;
            /**
             * Format: uint64
             * @description Documents of objects.
             */
            objects?: number;
            /**
             * Format: uint64
             * @description Properties, tags, scalars, events, writers.
             */
            rest: number;
        };
        /** @description Data of the events `reset` and `caught_up` of the stream of changes. */
        StreamPosition: {
            /**
             * Format: uint64
             * @description Where to go on.
             */
            next: number;
        };
        /** @description Summary of the readable points of a series. */
        SummaryItem: {
            /**
             * Format: uint64
             * @description Readable points.
             */
            count: number;
            /**
             * Format: uint64
             * @description Of them NaN.
             */
            nan_count: number;
            /**
             * Format: uint64
             * @description Of them infinite.
             */
            infinite_count: number;
            /** @description Point of the smallest step. */
            first: components["schemas"]["PointItem"] | null;
            /** @description Point of the greatest step. */
            last: components["schemas"]["PointItem"] | null;
            /** @description Smallest value; the earliest step among equals. */
            min: components["schemas"]["PointItem"] | null;
            /** @description Greatest value; the earliest step among equals. */
            max: components["schemas"]["PointItem"] | null;
            /**
             * Format: double
             * @description Mean of the finite values.
             */
            mean: number | null;
            /** @description Min or max by the goal; null without one. */
            best: components["schemas"]["PointItem"] | null;
        };
        /** @description One page of the table. */
        TablePage: {
            /**
             * Format: uint64
             * @description The change number that the page stands at.
             */
            change: number;
            /** @description The rows, in the order asked. */
            rows: components["schemas"]["TableRow"][];
            /**
             * Format: uint64
             * @description Runs that match, on all pages.
             */
            matching: number;
            /** @description Where the next page starts; null at the end. */
            next_cursor: string | null;
        };
        /** @description What to ask of `POST /runstone/v1/table`. */
        TableRequest: {
            /** @description Only runs of this experiment. */
            experiment?: string | null;
            /** @description Only runs in one of these states; empty: all. */
            states?: components["schemas"]["RunState"][];
            /** @description Only runs that have all of these tags. */
            tags?: string[];
            /**
             * @description Words, each of which must stand in the id, name, description, experiment, group, job type,
             *     state or a tag, whatever the case.
             */
            text?: string;
            /** @description Only these runs, as ids; empty: all. At most `TABLE_PAGE_MAX`. */
            runs?: string[];
            /** @description Archived runs too. */
            archived?: boolean;
            /** @description The trash instead of the living runs, archived or not. */
            deleted?: boolean;
            /** @description Cells to add to each row, at most `TABLE_COLUMNS_MAX`. */
            columns?: components["schemas"]["Column"][];
            /**
             * @description By what to sort; absent: newest created first. Numbers (a bool is 0 or 1) come before NaN,
             *     NaN before text (by its first 256 bytes), text before lists, and rows without a value last,
             *     in both directions; equal ones newest first.
             */
            sort?: components["schemas"]["Sort"] | null;
            /** @description Rows a page; 1 to `TABLE_PAGE_MAX`. */
            limit?: number | null;
            /** @description `next_cursor` of the former page; good while the rest of the request is the same. */
            cursor?: string | null;
        };
        /** @description A run and its cells. */
        TableRow: {
            /** @description The run. */
            run: components["schemas"]["RunItem"];
            /**
             * @description One cell for each column asked for: a number, text, bool, list, or null where the run has
             *     none; NaN and infinities are text as everywhere.
             */
            cells: components["schemas"]["JsonValue"][];
        };
        /** @description Where to put bytes. Who knows it needs no token. */
        UploadAddress: {
            /**
             * @description Send the bytes there with PUT. Absolute, or beginning with `/`: then below the address of
             *     the server.
             */
            url: string;
            /**
             * Format: int64
             * @description From then on it is refused.
             */
            expires_at_micros: number;
            /**
             * Format: uint64
             * @description The number of an upload that goes past the server: once the bytes are there, finish it with
             *     `POST /runstone/v1/runs/{run}/uploads/{upload}`. Null for one that the server takes, which
             *     ends with its PUT.
             */
            upload: number | null;
        };
        /**
         * @description Type of the values of a metric.
         * @enum {string}
         */
        ValueType: "f64" | "f32" | "i64" | "bool" | "string";
        /** @description Something a person should know about a run. */
        WarningItem: {
            /** @description Kind, as `refused` or `lost_slots`. */
            kind: string;
            /**
             * Format: uint64
             * @description How often.
             */
            count: number;
            /** @description The latest case. */
            detail: string;
            /**
             * Format: int64
             * @description The server's clock at the latest case.
             */
            at_micros: number;
        };
        /** @description End of a writer. */
        WriterEndItem: {
            /** @description `closed`, `failed` or `lost`. */
            kind: components["schemas"]["WriterEndKind"];
            /** @description Cause. */
            reason: components["schemas"]["EndReason"] | null;
            /**
             * Format: int64
             * @description When.
             */
            at_micros: number;
        };
        /**
         * @description In which way a writer ended.
         * @enum {string}
         */
        WriterEndKind: "closed" | "failed" | "lost";
        /** @description Id of a writer: 32 hexadecimal digits. */
        WriterId: string;
        /** @description A writer. */
        WriterItem: {
            /** @description Its id. */
            id: components["schemas"]["WriterId"];
            /** @description Host name. */
            host: string;
            /**
             * Format: uint32
             * @description Process id.
             */
            pid: number;
            /**
             * Format: uint32
             * @description Rank among the processes of one job.
             */
            rank: number | null;
            /** @description User name. */
            user: string;
            /** @description SDK and version. */
            sdk: string;
            /** @description Its end is the run's end. */
            primary: boolean;
            /** @description The writer of the parent process, after a fork. */
            parent: components["schemas"]["WriterId"] | null;
            /**
             * Format: int64
             * @description The client's clock at open.
             */
            opened_at_micros: number;
            /**
             * Format: int64
             * @description The server's clock at its last frame or heartbeat.
             */
            last_received_at_micros: number;
            /** @description Its end; null while it is open. */
            end: components["schemas"]["WriterEndItem"] | null;
            /**
             * Format: uint64
             * @description Every slot below is applied, or recorded as lost.
             */
            mark: number;
            /** @description Counters of this writer alone. */
            completeness: components["schemas"]["Completeness"];
            /** @description Dropped points by series. */
            dropped_by_series: components["schemas"]["DroppedItem"][];
            /** @description Ranges of slots recorded as lost: first, and the one after the last. */
            lost: [
                number,
                number
            ][];
        };
    };
    responses: {
        /** @description the request is not valid. */
        invalid: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description a token is needed. */
        unauthorized: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description not allowed. */
        forbidden: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description there is no such thing. */
        not_found: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description another method is needed. */
        method_not_allowed: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description the request came too slowly. */
        request_timeout: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description the state forbids it. */
        conflict: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description the body is too large. */
        too_large: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description another content type is needed. */
        unsupported_media_type: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description the range lies outside. */
        range_not_satisfiable: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description the host name is not known here. */
        misdirected: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description too much at once. */
        too_many: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description a defect of the server. */
        internal: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description not possible at the moment. */
        unavailable: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
    };
    parameters: never;
    requestBodies: never;
    headers: never;
    pathItems: never;
}
export type $defs = Record<string, never>;
export interface operations {
    describeServer: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The server. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ServerDescription"];
                };
            };
            401: components["responses"]["unauthorized"];
            403: components["responses"]["forbidden"];
            421: components["responses"]["misdirected"];
            500: components["responses"]["internal"];
            503: components["responses"]["unavailable"];
        };
    };
    getOpenapi: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OpenAPI 3.1. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": Record<string, never>;
                };
            };
            401: components["responses"]["unauthorized"];
            403: components["responses"]["forbidden"];
            421: components["responses"]["misdirected"];
            500: components["responses"]["internal"];
            503: components["responses"]["unavailable"];
        };
    };
    postFrame: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/vnd.runstone.frame": string;
            };
        };
        responses: {
            /** @description Applied, now or before. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/vnd.runstone.frame": string;
                };
            };
            400: components["responses"]["invalid"];
            401: components["responses"]["unauthorized"];
            403: components["responses"]["forbidden"];
            408: components["responses"]["request_timeout"];
            /** @description Nothing applied: mark and chain do not fit; the answer holds those of the server. */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/vnd.runstone.frame": string;
                };
            };
            413: components["responses"]["too_large"];
            415: components["responses"]["unsupported_media_type"];
            421: components["responses"]["misdirected"];
            429: components["responses"]["too_many"];
            500: components["responses"]["internal"];
            503: components["responses"]["unavailable"];
        };
    };
    listRuns: {
        parameters: {
            query?: {
                /** @description Runs a page; 1 to `RUNS_PAGE_MAX`. */
                limit?: number;
                /** @description `next_cursor` of the former page. */
                cursor?: string;
                /** @description Only runs of this experiment. */
                experiment?: string;
                /** @description Only runs in these states, joined by commas. */
                state?: string;
                /** @description Archived runs too. */
                archived?: boolean;
                /** @description `newest` (the default) or `oldest` first. */
                order?: components["schemas"]["Order"];
                /**
                 * @description Metrics whose last and best values to add: names joined by commas, or a JSON array of
                 *     names. Absent: a few, those with a goal first. Empty: none.
                 */
                metrics?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description One page of runs. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RunList"];
                };
            };
            400: components["responses"]["invalid"];
            401: components["responses"]["unauthorized"];
            403: components["responses"]["forbidden"];
            421: components["responses"]["misdirected"];
            500: components["responses"]["internal"];
            503: components["responses"]["unavailable"];
        };
    };
    getRun: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description An id, the start of one (4 characters or more) that fits one run only, or a name; percent-encoded. */
                run: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The run. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RunDetail"];
                };
            };
            400: components["responses"]["invalid"];
            401: components["responses"]["unauthorized"];
            403: components["responses"]["forbidden"];
            404: components["responses"]["not_found"];
            409: components["responses"]["conflict"];
            421: components["responses"]["misdirected"];
            500: components["responses"]["internal"];
            503: components["responses"]["unavailable"];
        };
    };
    deleteRun: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description An id, the start of one (4 characters or more) that fits one run only, or a name; percent-encoded. */
                run: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description It is in the trash. */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            400: components["responses"]["invalid"];
            401: components["responses"]["unauthorized"];
            403: components["responses"]["forbidden"];
            404: components["responses"]["not_found"];
            409: components["responses"]["conflict"];
            421: components["responses"]["misdirected"];
            429: components["responses"]["too_many"];
            500: components["responses"]["internal"];
            503: components["responses"]["unavailable"];
        };
    };
    editRun: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description An id, the start of one (4 characters or more) that fits one run only, or a name; percent-encoded. */
                run: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["RunEdit"];
            };
        };
        responses: {
            /** @description The run after the edit. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RunItem"];
                };
            };
            400: components["responses"]["invalid"];
            401: components["responses"]["unauthorized"];
            403: components["responses"]["forbidden"];
            404: components["responses"]["not_found"];
            408: components["responses"]["request_timeout"];
            409: components["responses"]["conflict"];
            413: components["responses"]["too_large"];
            415: components["responses"]["unsupported_media_type"];
            421: components["responses"]["misdirected"];
            429: components["responses"]["too_many"];
            500: components["responses"]["internal"];
            503: components["responses"]["unavailable"];
        };
    };
    undeleteRun: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description An id, the start of one (4 characters or more) that fits one run only, or a name; percent-encoded. */
                run: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The run. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RunItem"];
                };
            };
            400: components["responses"]["invalid"];
            401: components["responses"]["unauthorized"];
            403: components["responses"]["forbidden"];
            404: components["responses"]["not_found"];
            409: components["responses"]["conflict"];
            421: components["responses"]["misdirected"];
            429: components["responses"]["too_many"];
            500: components["responses"]["internal"];
            503: components["responses"]["unavailable"];
        };
    };
    editRuns: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["EditsRequest"];
            };
        };
        responses: {
            /** @description One result a run. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["EditsAnswer"];
                };
            };
            400: components["responses"]["invalid"];
            401: components["responses"]["unauthorized"];
            403: components["responses"]["forbidden"];
            408: components["responses"]["request_timeout"];
            413: components["responses"]["too_large"];
            415: components["responses"]["unsupported_media_type"];
            421: components["responses"]["misdirected"];
            429: components["responses"]["too_many"];
            500: components["responses"]["internal"];
            503: components["responses"]["unavailable"];
        };
    };
    readTable: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["TableRequest"];
            };
        };
        responses: {
            /** @description One page of the table. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["TablePage"];
                };
            };
            400: components["responses"]["invalid"];
            401: components["responses"]["unauthorized"];
            403: components["responses"]["forbidden"];
            408: components["responses"]["request_timeout"];
            413: components["responses"]["too_large"];
            415: components["responses"]["unsupported_media_type"];
            421: components["responses"]["misdirected"];
            500: components["responses"]["internal"];
            503: components["responses"]["unavailable"];
        };
    };
    listColumns: {
        parameters: {
            query?: {
                /** @description Only of runs of this experiment. */
                experiment?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Params, metrics and tags. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ColumnsAnswer"];
                };
            };
            400: components["responses"]["invalid"];
            401: components["responses"]["unauthorized"];
            403: components["responses"]["forbidden"];
            421: components["responses"]["misdirected"];
            500: components["responses"]["internal"];
            503: components["responses"]["unavailable"];
        };
    };
    listExperiments: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The experiments. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ExperimentList"];
                };
            };
            401: components["responses"]["unauthorized"];
            403: components["responses"]["forbidden"];
            421: components["responses"]["misdirected"];
            500: components["responses"]["internal"];
            503: components["responses"]["unavailable"];
        };
    };
    listSeries: {
        parameters: {
            query?: {
                /** @description Only series of this name. */
                name?: string;
                /** @description Only series of this context, as JSON. */
                context?: string;
                /** @description Series a page; 1 to `SERIES_PAGE_MAX`. */
                limit?: number;
                /** @description `next_cursor` of the former page. */
                cursor?: string;
                /** @description Cells of a sparkline to add to each series; 1 to `SPARKLINE_CELLS_MAX`. */
                sparkline?: number;
            };
            header?: never;
            path: {
                /** @description An id, the start of one (4 characters or more) that fits one run only, or a name; percent-encoded. */
                run: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description One page of series. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["SeriesList"];
                };
            };
            400: components["responses"]["invalid"];
            401: components["responses"]["unauthorized"];
            403: components["responses"]["forbidden"];
            404: components["responses"]["not_found"];
            409: components["responses"]["conflict"];
            421: components["responses"]["misdirected"];
            500: components["responses"]["internal"];
            503: components["responses"]["unavailable"];
        };
    };
    readPoints: {
        parameters: {
            query?: {
                /** @description Name of the series; needed. */
                name?: string;
                /** @description Its context, as JSON; absent is `{}`. */
                context?: string;
                /** @description From this step on, inclusive. */
                from_step?: number;
                /** @description Up to this step, inclusive. */
                to_step?: number;
                /** @description Points a page; 1 to `POINTS_PAGE_MAX`. */
                limit?: number;
                /** @description `next_cursor` of the former page. */
                cursor?: string;
                /** @description All points ever applied, hidden ones too. */
                history?: boolean;
            };
            header?: never;
            path: {
                /** @description An id, the start of one (4 characters or more) that fits one run only, or a name; percent-encoded. */
                run: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description One page of points. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["PointsPage"];
                };
            };
            400: components["responses"]["invalid"];
            401: components["responses"]["unauthorized"];
            403: components["responses"]["forbidden"];
            404: components["responses"]["not_found"];
            409: components["responses"]["conflict"];
            421: components["responses"]["misdirected"];
            500: components["responses"]["internal"];
            503: components["responses"]["unavailable"];
        };
    };
    readLines: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["LinesRequest"];
            };
        };
        responses: {
            /** @description One line a series. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Lines"];
                    "application/vnd.apache.arrow.stream": string;
                };
            };
            400: components["responses"]["invalid"];
            401: components["responses"]["unauthorized"];
            403: components["responses"]["forbidden"];
            408: components["responses"]["request_timeout"];
            413: components["responses"]["too_large"];
            415: components["responses"]["unsupported_media_type"];
            421: components["responses"]["misdirected"];
            500: components["responses"]["internal"];
            503: components["responses"]["unavailable"];
        };
    };
    findBest: {
        parameters: {
            query?: {
                /** @description Name of the experiment; needed. */
                experiment?: string;
                /** @description Name of the metric; needed. */
                metric?: string;
                /** @description Its context, as JSON; needed only where the metric has several. */
                context?: string;
                /** @description `min` or `max`; needed only where the metric has no goal. */
                goal?: components["schemas"]["Goal"];
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The best run. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["BestRun"];
                };
            };
            400: components["responses"]["invalid"];
            401: components["responses"]["unauthorized"];
            403: components["responses"]["forbidden"];
            404: components["responses"]["not_found"];
            409: components["responses"]["conflict"];
            421: components["responses"]["misdirected"];
            500: components["responses"]["internal"];
            503: components["responses"]["unavailable"];
        };
    };
    listLogLines: {
        parameters: {
            query?: {
                /** @description Only lines of this writer: its id. */
                writer?: string;
                /** @description From this line on, of one writer. */
                from?: number;
                /** @description Before this line, of one writer. */
                to?: number;
                /** @description Only the last so many lines, of all writers by their time; 10,000 at most. */
                tail?: number;
                /** @description `stdout` or `stderr`. */
                stream?: string;
                /** @description At most so many lines; 1,000 unless given, 10,000 at most. */
                limit?: number;
                /** @description Continue after a page: its `next_cursor`. */
                cursor?: string;
            };
            header?: never;
            path: {
                /** @description An id, the start of one (4 characters or more) that fits one run only, or a name; percent-encoded. */
                run: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description One page of lines. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["LogsPage"];
                    "text/plain": string;
                };
            };
            400: components["responses"]["invalid"];
            401: components["responses"]["unauthorized"];
            403: components["responses"]["forbidden"];
            404: components["responses"]["not_found"];
            409: components["responses"]["conflict"];
            421: components["responses"]["misdirected"];
            500: components["responses"]["internal"];
            503: components["responses"]["unavailable"];
        };
    };
    listLogRecords: {
        parameters: {
            query?: {
                /** @description Only records of this writer: its id. */
                writer?: string;
                /** @description From this record on, of one writer. */
                from?: number;
                /** @description Before this record, of one writer. */
                to?: number;
                /** @description Only the last so many records, of all writers by their time; 10,000 at most. */
                tail?: number;
                /**
                 * @description Only records of this level or a graver one: debug, info, warning, error, critical, or a
                 *     number.
                 */
                level?: string;
                /** @description At most so many records; 1,000 unless given, 10,000 at most. */
                limit?: number;
                /** @description Continue after a page: its `next_cursor`. */
                cursor?: string;
            };
            header?: never;
            path: {
                /** @description An id, the start of one (4 characters or more) that fits one run only, or a name; percent-encoded. */
                run: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description One page of records. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RecordsPage"];
                };
            };
            400: components["responses"]["invalid"];
            401: components["responses"]["unauthorized"];
            403: components["responses"]["forbidden"];
            404: components["responses"]["not_found"];
            409: components["responses"]["conflict"];
            421: components["responses"]["misdirected"];
            500: components["responses"]["internal"];
            503: components["responses"]["unavailable"];
        };
    };
    listObjectSeries: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description An id, the start of one (4 characters or more) that fits one run only, or a name; percent-encoded. */
                run: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The series. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ObjectSeriesList"];
                };
            };
            400: components["responses"]["invalid"];
            401: components["responses"]["unauthorized"];
            403: components["responses"]["forbidden"];
            404: components["responses"]["not_found"];
            409: components["responses"]["conflict"];
            421: components["responses"]["misdirected"];
            500: components["responses"]["internal"];
            503: components["responses"]["unavailable"];
        };
    };
    listObjects: {
        parameters: {
            query: {
                /** @description Name of the series. */
                name: string;
                /** @description Its kind: image, audio, text, distribution, figure or table_row. */
                kind: string;
                /** @description Its context as a JSON object; none unless given. */
                context?: string;
                /** @description From this step on, inclusive. */
                from_step?: number;
                /** @description Up to this step, inclusive. */
                to_step?: number;
                /** @description All that was ever logged, hidden sets too. */
                history?: boolean;
                /** @description At most so many steps; 100 unless given, 1,000 at most. Long documents end a page early. */
                limit?: number;
                /** @description Continue after a page: its `next_cursor`. */
                cursor?: string;
            };
            header?: never;
            path: {
                /** @description An id, the start of one (4 characters or more) that fits one run only, or a name; percent-encoded. */
                run: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description One page of sets of objects. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ObjectsPage"];
                };
            };
            400: components["responses"]["invalid"];
            401: components["responses"]["unauthorized"];
            403: components["responses"]["forbidden"];
            404: components["responses"]["not_found"];
            409: components["responses"]["conflict"];
            421: components["responses"]["misdirected"];
            500: components["responses"]["internal"];
            503: components["responses"]["unavailable"];
        };
    };
    listChanges: {
        parameters: {
            query?: {
                /**
                 * @description Changes after this number. Absent: for a page from the oldest kept, for a stream from now
                 *     on. A stream that is resumed sends `Last-Event-ID`, which counts before this.
                 */
                since?: number;
                /** @description Changes a page; 1 to `CHANGES_PAGE_MAX`. Streams do not take it. */
                limit?: number;
                /** @description Only changes of this run: an id, the start of one, or a name. */
                run?: string;
                /** @description Only changes of runs that were in this experiment then. */
                experiment?: string;
                /** @description Only changes of one of these kinds, joined by commas. */
                kind?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description One page of changes. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ChangesPage"];
                };
            };
            400: components["responses"]["invalid"];
            401: components["responses"]["unauthorized"];
            403: components["responses"]["forbidden"];
            404: components["responses"]["not_found"];
            409: components["responses"]["conflict"];
            421: components["responses"]["misdirected"];
            500: components["responses"]["internal"];
            503: components["responses"]["unavailable"];
        };
    };
    streamChanges: {
        parameters: {
            query?: {
                /**
                 * @description Changes after this number. Absent: for a page from the oldest kept, for a stream from now
                 *     on. A stream that is resumed sends `Last-Event-ID`, which counts before this.
                 */
                since?: number;
                /** @description Changes a page; 1 to `CHANGES_PAGE_MAX`. Streams do not take it. */
                limit?: number;
                /** @description Only changes of this run: an id, the start of one, or a name. */
                run?: string;
                /** @description Only changes of runs that were in this experiment then. */
                experiment?: string;
                /** @description Only changes of one of these kinds, joined by commas. */
                kind?: string;
            };
            header?: {
                /** @description Id of the last event seen; counts before `since`. */
                "Last-Event-ID"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The stream. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "text/event-stream": string;
                };
            };
            400: components["responses"]["invalid"];
            401: components["responses"]["unauthorized"];
            403: components["responses"]["forbidden"];
            404: components["responses"]["not_found"];
            409: components["responses"]["conflict"];
            421: components["responses"]["misdirected"];
            500: components["responses"]["internal"];
            503: components["responses"]["unavailable"];
        };
    };
    listArtifacts: {
        parameters: {
            query?: {
                /** @description Only paths that begin so. */
                prefix?: string;
                /** @description All versions; otherwise the newest of each path. */
                versions?: boolean;
                /** @description Artifacts a page; 1 to 1,000. */
                limit?: number;
                /** @description `next_cursor` of the page before. */
                cursor?: string;
            };
            header?: never;
            path: {
                /** @description An id, the start of one (4 characters or more) that fits one run only, or a name; percent-encoded. */
                run: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description One page of artifacts. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ArtifactList"];
                };
            };
            400: components["responses"]["invalid"];
            401: components["responses"]["unauthorized"];
            403: components["responses"]["forbidden"];
            404: components["responses"]["not_found"];
            409: components["responses"]["conflict"];
            421: components["responses"]["misdirected"];
            500: components["responses"]["internal"];
            503: components["responses"]["unavailable"];
        };
    };
    beginArtifact: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description An id, the start of one (4 characters or more) that fits one run only, or a name; percent-encoded. */
                run: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["ArtifactRequest"];
            };
        };
        responses: {
            /** @description The artifact, and where its bytes are awaited. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ArtifactBegun"];
                };
            };
            400: components["responses"]["invalid"];
            401: components["responses"]["unauthorized"];
            403: components["responses"]["forbidden"];
            404: components["responses"]["not_found"];
            408: components["responses"]["request_timeout"];
            409: components["responses"]["conflict"];
            413: components["responses"]["too_large"];
            415: components["responses"]["unsupported_media_type"];
            421: components["responses"]["misdirected"];
            500: components["responses"]["internal"];
            503: components["responses"]["unavailable"];
        };
    };
    readArtifact: {
        parameters: {
            query?: {
                /** @description This version; for reading the newest whose bytes are there unless given, for deleting all. */
                version?: number;
            };
            header?: {
                /** @description One range, as `bytes=0-99`. */
                Range?: string;
            };
            path: {
                /** @description An id, the start of one (4 characters or more) that fits one run only, or a name; percent-encoded. */
                run: string;
                /** @description Path of the artifact; a slash in it may stand as it is. */
                path: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The bytes, with the type that they were given. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/octet-stream": string;
                };
            };
            /** @description The range of them that was asked for. */
            206: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/octet-stream": string;
                };
            };
            400: components["responses"]["invalid"];
            401: components["responses"]["unauthorized"];
            403: components["responses"]["forbidden"];
            404: components["responses"]["not_found"];
            409: components["responses"]["conflict"];
            416: components["responses"]["range_not_satisfiable"];
            421: components["responses"]["misdirected"];
            500: components["responses"]["internal"];
            503: components["responses"]["unavailable"];
        };
    };
    putArtifact: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description An id, the start of one (4 characters or more) that fits one run only, or a name; percent-encoded. */
                run: string;
                /** @description Path of the artifact; a slash in it may stand as it is. */
                path: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/octet-stream": string;
            };
        };
        responses: {
            /** @description The artifact, which is ready. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ArtifactItem"];
                };
            };
            400: components["responses"]["invalid"];
            401: components["responses"]["unauthorized"];
            403: components["responses"]["forbidden"];
            404: components["responses"]["not_found"];
            408: components["responses"]["request_timeout"];
            409: components["responses"]["conflict"];
            413: components["responses"]["too_large"];
            415: components["responses"]["unsupported_media_type"];
            421: components["responses"]["misdirected"];
            500: components["responses"]["internal"];
            503: components["responses"]["unavailable"];
        };
    };
    deleteArtifact: {
        parameters: {
            query?: {
                /** @description This version; for reading the newest whose bytes are there unless given, for deleting all. */
                version?: number;
            };
            header?: never;
            path: {
                /** @description An id, the start of one (4 characters or more) that fits one run only, or a name; percent-encoded. */
                run: string;
                /** @description Path of the artifact; a slash in it may stand as it is. */
                path: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description It is gone. */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            400: components["responses"]["invalid"];
            401: components["responses"]["unauthorized"];
            403: components["responses"]["forbidden"];
            404: components["responses"]["not_found"];
            409: components["responses"]["conflict"];
            421: components["responses"]["misdirected"];
            500: components["responses"]["internal"];
            503: components["responses"]["unavailable"];
        };
    };
    finishUpload: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description An id, the start of one (4 characters or more) that fits one run only, or a name; percent-encoded. */
                run: string;
                /** @description Number of the upload. */
                upload: number;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["FinishRequest"];
            };
        };
        responses: {
            /** @description The artifact, which is ready. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ArtifactItem"];
                };
            };
            400: components["responses"]["invalid"];
            401: components["responses"]["unauthorized"];
            403: components["responses"]["forbidden"];
            404: components["responses"]["not_found"];
            408: components["responses"]["request_timeout"];
            409: components["responses"]["conflict"];
            413: components["responses"]["too_large"];
            415: components["responses"]["unsupported_media_type"];
            421: components["responses"]["misdirected"];
            500: components["responses"]["internal"];
            503: components["responses"]["unavailable"];
        };
    };
    readStorage: {
        parameters: {
            query?: {
                /** @description Only this run among the runs: its id, also in the trash, the start of one, or a name. */
                run?: string;
                /**
                 * @description At most so many runs and experiments, those with most bytes first; 20 unless given, 1,000
                 *     at most.
                 */
                limit?: number;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Where the bytes are. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["StorageAnswer"];
                };
            };
            400: components["responses"]["invalid"];
            401: components["responses"]["unauthorized"];
            403: components["responses"]["forbidden"];
            404: components["responses"]["not_found"];
            409: components["responses"]["conflict"];
            421: components["responses"]["misdirected"];
            500: components["responses"]["internal"];
            503: components["responses"]["unavailable"];
        };
    };
    collectGarbage: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["GcRequest"];
            };
        };
        responses: {
            /** @description What this turn did. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["GcAnswer"];
                };
            };
            400: components["responses"]["invalid"];
            401: components["responses"]["unauthorized"];
            403: components["responses"]["forbidden"];
            408: components["responses"]["request_timeout"];
            413: components["responses"]["too_large"];
            415: components["responses"]["unsupported_media_type"];
            421: components["responses"]["misdirected"];
            429: components["responses"]["too_many"];
            500: components["responses"]["internal"];
            503: components["responses"]["unavailable"];
        };
    };
    makeSnapshot: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["SnapshotRequest"];
            };
        };
        responses: {
            /** @description The copy. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["SnapshotAnswer"];
                };
            };
            400: components["responses"]["invalid"];
            401: components["responses"]["unauthorized"];
            403: components["responses"]["forbidden"];
            408: components["responses"]["request_timeout"];
            409: components["responses"]["conflict"];
            413: components["responses"]["too_large"];
            415: components["responses"]["unsupported_media_type"];
            421: components["responses"]["misdirected"];
            500: components["responses"]["internal"];
            503: components["responses"]["unavailable"];
        };
    };
}
