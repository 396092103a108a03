// SPDX-License-Identifier: GPL-3.0-or-later
//
// Flamenco job type: lip sync by Mimesh, then the frames. Put it into the Manager's folder `scripts`; see docs/batch.md.

const JOB_TYPE = {
    label: "Mimesh Lip Sync and Render",
    description: "Key the character's lip sync, then render the frames",
    settings: [
        { key: "speech", type: "string", required: true,
          description: "Name of the strip with the speech, or path of a sound file" },
        { key: "face", type: "string", required: true, eval: "C.scene.mimesh.target.name if C.scene.mimesh.target else ''",
          description: "Mesh of the face" },
        { key: "style", type: "string", default: "", description: "Saved style: its file, or its name in the library" },
        { key: "library", type: "string", subtype: "dir_path", default: "", description: "Folder of the styles" },
        { key: "mimesh_args", type: "string", default: "",
          description: "More options of blender -c mimesh generate, separated by spaces" },
        { key: "talking_blendfile", type: "string", subtype: "file_path", default: "",
          description: "Where the keyed file goes; empty is beside the submitted one" },
        { key: "frames", type: "string", required: true, eval: "f'{C.scene.frame_start}-{C.scene.frame_end}'",
          description: "Frames to render, such as 1-48 or 3, 5-10" },
        { key: "chunk_size", type: "int32", default: 10, description: "Frames of one task", visible: "submission" },
        { key: "render_output_path", type: "string", subtype: "file_path", required: true,
          eval: "C.scene.render.filepath", description: "Where the pictures go, with # for the frame's number" },
        { key: "blendfile", type: "string", required: true, visible: "web", description: "The submitted file" },
        { key: "format", type: "string", required: true, visible: "web",
          eval: "C.scene.render.image_settings.file_format" },
    ]
};

function compileJob(job) {
    const settings = job.settings;
    const talking = settings.talking_blendfile || besideOf(settings.blendfile);

    const generate = author.Task("lip-sync", "blender");
    generate.addCommand(author.Command("exec", { exe: "{blender}", args: generateArguments(settings, talking) }));
    job.addTask(generate);

    for (const chunk of frameChunker(settings.frames, settings.chunk_size)) {
        const render = author.Task(`render-${chunk}`, "blender");
        render.addCommand(author.Command("blender-render", {
            exe: "{blender}",
            exeArgs: "{blenderArgs}",
            argsBefore: [],
            blendfile: talking,
            args: [
                "--render-output", settings.render_output_path,
                "--render-format", settings.format,
                // Blender's own notation of frame ranges
                "--render-frame", chunk.replaceAll("-", ".."),
            ],
        }));
        render.addDependency(generate);
        job.addTask(render);
    }
}

// Exit codes of this command are in docs/command-line.md; any but 0 fails the task, and no frame is rendered.
function generateArguments(settings, talking) {
    const isFile = settings.speech.includes("/") || settings.speech.includes("\\");
    const args = ["-b", settings.blendfile, "-c", "mimesh", "generate",
                  isFile ? "--audio" : "--strip", settings.speech, "--object", settings.face];
    if (settings.style) args.push("--style", settings.style);
    if (settings.library) args.push("--library", settings.library);
    return args.concat(settings.mimesh_args.split(" ").filter(word => word), ["--out", talking]);
}

function besideOf(blendfile) {
    return blendfile.replace(/\.blend$/i, "") + "_talking.blend";
}
