// All texts of the pages in both languages. `t('name', value …)` inserts values at {0}, {1} ….

const WORDS = {
  'studio': ['studio', '工作台'],
  'skip': ['Skip to the content', '跳到正文'],
  'language': ['中文', 'English'],
  'offline': ['The studio does not answer. It may have been ended; this page tries again.', '工作台没有响应，可能已被关闭；页面会继续重试。'],
  'loading': ['Reading …', '正在读取……'],
  'nav.runs': ['Runs', '训练'],
  'nav.new': ['New training', '新建训练'],
  'nav.actions': ['Actions', '任务'],
  'nav.lab': ['Lab', '实验室'],
  'now': ['just now', '刚刚'],
  'step': ['step', '步'],
  'epochs': ['{0} epochs', '{0} 轮'],
  'zoom.reset': ['Reset zoom', '还原'],

  'state.running': ['running', '训练中'],
  'state.finished': ['finished', '已完成'],
  'state.stopped': ['stopped', '已停止'],
  'state.failed': ['failed', '失败'],
  'state.killed': ['killed', '被强行终止'],
  'state.unreadable': ['unreadable', '无法读取'],
  'about.stopped': ['Stopped before its end; it can be resumed.', '未到结束即停止，可以继续训练。'],
  'about.failed': ['Training ended with an error.', '训练因错误而终止。'],
  'about.killed': ['Its process ended before training did. These are the last numbers it wrote; it can be resumed from its last checkpoint.', '进程在训练结束之前终止。以下是最后写入的数值，可从最近的检查点继续训练。'],
  'about.unreadable': ['Its summary cannot be read.', '无法读取其摘要文件。'],
  'metric.accuracy': ['accuracy', '准确率'],
  'metric.r2': ['R²', 'R²'],
  'metric.rmse': ['RMSE', '均方根误差'],
  'metric.loss': ['loss', '损失'],
  'part.test': ['test', '测试'],
  'part.val': ['validation', '验证'],
  'part.train': ['training', '训练'],

  'runs.title': ['Runs', '训练'],
  'runs.none': ['There are no runs in {0} yet.', '{0} 中还没有训练。'],
  'runs.begin': ['Start one here or in a terminal: it appears automatically.', '可在此新建，也可在终端启动，训练会自动出现在列表中。'],
  'runs.count': ['{0} runs in {1}', '{1} 中有 {0} 次训练'],
  'runs.one': ['1 run in {1}', '{1} 中有 1 次训练'],
  'runs.running': ['{0} running', '{0} 个正在训练'],
  'runs.filter': ['Filter by name, data or state', '按名称、数据或状态筛选'],
  'runs.sort': ['Order', '排序'],
  'sort.written': ['last written', '最近写入'],
  'sort.name': ['name', '名称'],
  'sort.score': ['score', '得分'],
  'runs.compare': ['Compare {0} runs', '比较 {0} 次训练'],
  'runs.choose': ['Tick runs to compare them', '勾选训练即可比较'],
  'runs.select': ['Select {0}', '选择 {0}'],
  'runs.no_match': ['No run matches.', '没有符合条件的训练。'],
  'column.run': ['Run', '名称'],
  'column.state': ['State', '状态'],
  'column.data': ['Data', '数据'],
  'column.model': ['Model', '模型'],
  'column.score': ['Score', '得分'],
  'column.progress': ['Progress', '进度'],
  'column.findings': ['Findings', '诊断'],
  'column.written': ['Written', '写入时间'],
  'model.layers': ['{0} layers', '{0} 层'],
  'model.parameters': ['{0} parameters', '{0} 个参数'],
  'left': ['{0} left', '还需 {0}'],
  'level.error': ['{0} errors', '{0} 个错误'],
  'level.error.one': ['1 error', '1 个错误'],
  'level.warn': ['{0} warnings', '{0} 个警告'],
  'level.warn.one': ['1 warning', '1 个警告'],
  'level.none': ['none', '无'],
  'level.info': ['{0} notes', '{0} 条提示'],
  'level.info.one': ['1 note', '1 条提示'],

  'tile.epochs': ['epochs', '轮数'],
  'tile.steps': ['steps', '步数'],
  'tile.best': ['best epoch', '最佳轮次'],
  'tile.time': ['training time', '训练时间'],
  'tile.left': ['time left, about', '预计剩余'],
  'tile.speed': ['samples per second', '样本/秒'],
  'tile.parameters': ['parameters', '参数量'],
  'section.curves': ['Curves', '曲线'],
  'section.layers': ['Layers over time', '各层随时间的变化'],
  'section.distributions': ['Distributions over time', '分布随时间的变化'],
  'section.findings': ['Findings', '诊断'],
  'section.samples': ['Samples', '样本'],
  'section.predictions': ['Results', '结果'],
  'section.predict': ['Predict', '预测'],
  'section.setup': ['Set-up', '配置'],
  'run.sections': ['Parts of this page', '本页内容'],
  'run.gone': ['This run no longer exists: its folder was removed.', '此次训练已不存在：其文件夹已被删除。'],
  'run.report': ['Report', '报告'],
  'run.compare': ['Compare with …', '与其他训练比较'],
  'run.process': ['process {0}', '进程 {0}'],

  'curves.loss': ['loss', '损失'],
  'curves.batches': ['single batches', '单个批次'],
  'curves.smoothed': ['batches, smoothed', '批次（平滑）'],
  'curves.train': ['training, mean of the epoch', '训练（每轮平均）'],
  'curves.val': ['validation', '验证'],
  'curves.accuracy': ['accuracy', '准确率'],
  'curves.rmse': ['root mean squared error', '均方根误差'],
  'curves.rate': ['learning rate', '学习率'],
  'curves.gradient': ['norm of the gradient', '梯度范数'],
  'curves.smoothing': ['Smoothing', '平滑'],
  'curves.auto': ['automatic', '自动'],
  'curves.off': ['off', '关闭'],
  'curves.span': ['{0} steps', '{0} 步'],
  'curves.log_loss': ['Logarithmic loss', '损失取对数'],
  'curves.log_rate': ['Logarithmic rate', '学习率取对数'],
  'curves.far_steps': ['Logarithmic steps', '步数取对数'],
  'curves.none': ['There are no curves: metrics.sqlite of this run has no step yet, or there is no such file, as after training by a library built without SQLite.', '没有曲线：此次训练的 metrics.sqlite 中还没有任何一步，或没有该文件（例如由未包含 SQLite 的库训练）。'],
  'curves.usage': ['Point at a chart to read it, drag to zoom, double-click to see all of it. With the keyboard: arrows read, + and − zoom, Escape shows all. Long runs are reduced to the minimum and the maximum of each interval; zooming in brings the steps back.', '将鼠标移到图上可读取数值，拖动可放大，双击还原。键盘：方向键读数，+ 与 − 缩放，Esc 还原。较长的训练只取每段的最小值与最大值；放大后恢复逐步数据。'],

  'layers.none': ['There are no measurements of layers: health.level is off, nothing has been measured yet, or the run has no metrics.sqlite.', '没有各层的测量值：health.level 为 off、尚未进行首次测量，或没有 metrics.sqlite。'],
  'layers.lead': ['One row per layer, from the input at the top to the output at the bottom; one column per measured step.', '每行一层，自上而下由输入到输出；每列为一个测量的步。'],
  'layers.more': ['Another measurement', '其他测量值'],
  'measure.dead_fraction': ['Share of dead units', '死亡单元比例'],
  'measure.saturated_fraction': ['Share of saturated values', '饱和值比例'],
  'measure.weight_update_ratio': ['Update to weight ratio', '更新量与权重之比'],
  'measure.output_mean': ['Mean of the output', '输出均值'],
  'measure.output_std': ['Standard deviation of the output', '输出标准差'],
  'measure.zero_fraction': ['Share of zeros', '零值比例'],
  'measure.gradient_rms': ['Gradient, root mean square', '梯度均方根'],
  'measure.weight_norm': ['Norm of the weights', '权重范数'],
  'measure.weight_gradient_norm': ['Norm of the weight gradient', '权重梯度范数'],
  'measure.weight_update_norm': ['Norm of the weight update', '权重更新范数'],
  'measure.input_mean_energy': ['Share of the input that is its mean', '输入中均值所占能量'],
  'measure.sign_agreement': ['Units whose weight gradients have one sign', '权重梯度同号的单元比例'],
  'map.hint': ['Point at a cell, or move with the arrow keys.', '指向单元格，或用方向键移动。'],
  'map.step': ['step {0}', '第 {0} 步'],
  'map.steps': ['steps {0}–{1}, mean of {2}', '第 {0}–{1} 步，{2} 次测量的均值'],
  'map.none': ['not measured', '未测量'],

  'ridge.tensor': ['Tensor', '张量'],
  'ridge.one': ['Step {0}: mean {1}, standard deviation {2}, from {3} to {4}.', '第 {0} 步：均值 {1}，标准差 {2}，范围 {3} 至 {4}。'],
  'ridge.all': ['{0} ridges from step {1} to step {2}, of {3} recorded ones; the height is the square root of the density.', '第 {1} 步至第 {2} 步，共 {3} 次测量，显示 {0} 次；高度为密度的平方根。'],
  'ridge.none': ['Distributions are recorded at health.level = "full". To train like this with them:', '仅在 health.level = "full" 时记录分布。可这样训练：'],

  'findings.none_yet': ['No finding so far.', '目前没有诊断。'],
  'findings.prove': ['Prove', '验证'],
  'findings.fix': ['Fix and train', '修复并训练'],
  'findings.prove.help': ['Train with and without the remedy over several seeds, and compare', '用多个随机种子分别在采用与不采用该措施的情况下训练并比较'],
  'findings.fix.help': ['Apply the remedy and train in a run of its own', '采用该措施，并在新的训练中继续'],
  'samples.alt': ['The first batch as the network saw it, after augmentation', '网络所见的第一个批次（已做数据增强）'],
  'results.load': ['Evaluate the model on the test split', '在测试集上评估模型'],
  'results.later': ['The model is written when training ends or is stopped.', '模型在训练结束或停止时写入。'],
  'setup.config': ['The resolved config', '完整配置'],

  'predict.drop': ['Drop an image here, or choose one', '将图片拖到此处，或点击选择'],
  'predict.paste': ['PNG, JPEG, WebP, GIF, BMP or TIFF; it stays on this machine.', 'PNG、JPEG、WebP、GIF、BMP 或 TIFF；图片不会离开本机。'],
  'predict.table': ['or a table with the columns of the training data, as CSV', '也可选择与训练数据列相同的 CSV 表格'],
  'predict.ask': ['Predict', '预测'],
  'predict.empty': ['An empty field is a missing value.', '留空表示缺失值。'],
  'predict.none': ['The model of this run takes neither images nor rows of a table; predict in a terminal:', '此模型的输入既不是图片也不是表格行，请在终端中预测：'],
  'predict.unlike': ['Unlike anything in the training data: {0}', '与训练数据明显不同：{0}'],
  'predict.class': ['class', '类别'],
  'predict.probability': ['probability', '概率'],
  'predict.value': ['value', '值'],
  'predict.samples': ['{0} rows; the first {1} are shown.', '共 {0} 行，显示前 {1} 行。'],

  'compare.title': ['Compare', '比较'],
  'compare.few': ['Choose at least two runs.', '请至少选择两次训练。'],
  'compare.settings': ['Settings that differ', '不同的设置'],
  'compare.same': ['All settings are the same.', '所有设置均相同。'],
  'compare.results': ['Results', '结果'],
  'compare.absent': ['absent', '无此项'],
  'compare.smoothed': ['training loss, smoothed', '训练损失（平滑）'],
  'compare.validation_loss': ['validation loss', '验证损失'],
  'compare.validation_accuracy': ['validation accuracy', '验证准确率'],
  'compare.validation_rmse': ['validation RMSE', '验证均方根误差'],
  'compare.loaded': ['{0} of {1} runs read', '已读取 {0} / {1}'],

  'action.stop': ['Stop', '停止'],
  'action.stop.help': ['Ends training with a checkpoint, as Ctrl-C does; it can be resumed', '与 Ctrl-C 相同：保存检查点后结束，可继续训练'],
  'action.resume': ['Resume', '继续训练'],
  'action.resume.help': ['Continues from the last checkpoint', '从最近的检查点继续'],
  'action.doctor': ['Doctor', '诊治'],
  'action.doctor.help': ['Tries remedies within ten minutes and keeps those that improve the result', '在十分钟内尝试各种措施，保留能改善结果的措施'],
  'action.prove': ['Prove', '验证'],
  'action.fix': ['Fix', '修复'],
  'action.train': ['Training', '训练'],
  'action.check': ['Check', '检查'],
  'action.stopping': ['Stopping …', '正在停止……'],
  'actions.title': ['Actions', '任务'],
  'actions.none': ['Nothing has been started from this studio yet. The output of actions you start from a run or as a new training appears here.', '尚未从工作台启动任何任务。从训练页面或“新建训练”启动的任务会在此显示输出。'],
  'actions.lead': ['Each action is a separate command that continues when the studio ends.', '每个任务都是独立的命令，关闭工作台后仍会继续。'],
  'job.running': ['running', '进行中'],
  'job.done': ['done', '已完成'],
  'job.findings': ['done, with findings', '已完成，有诊断'],
  'job.failed': ['failed', '失败'],
  'job.output': ['Output', '输出'],
  'job.nothing': ['Nothing printed yet.', '尚无输出。'],
  'job.run': ['Its run', '对应的训练'],

  'form.title': ['New training', '新建训练'],
  'form.lead': ['Settings you do not change are chosen from the data, or keep their defaults. Paths are relative to the folder the studio was started in.', '未改动的项依据数据自动选择，或取默认值。路径相对于启动工作台时所在的文件夹。'],
  'form.basics': ['Basics', '基本设置'],
  'form.all': ['Every setting', '全部设置'],
  'form.default': ['default: {0}', '默认：{0}'],
  'form.unset': ['(default)', '（默认）'],
  'form.more': ['More settings, one key=value per line', '其他设置，每行一个 key=value'],
  'form.more.help': ['In the syntax of a config file, for example optimizer.type="adam"', '采用配置文件的语法，例如 optimizer.type="adam"'],
  'form.check': ['Check first', '先检查'],
  'form.check.help': ['Looks for faults of data, labels and network, in seconds and without training', '在数秒内检查数据、标签与网络，不进行训练'],
  'form.start': ['Start training', '开始训练'],
  'form.english': ['', '各设置的说明目前只有英文。'],

  'lab.title': ['The lab', '实验室'],
  'lab.lead': ['Activation functions, data preprocessing, weight initialisation and batch norm: every page is computed by the engine when you open it.', '激活函数、数据预处理、权重初始化与批量归一化：每个页面都在打开时由引擎即时计算。'],
  'lab.try': ['Try it yourself:', '亲手试一试：'],
  'lab.knobs': ['Knobs', '可调设置'],
  'lab.seed': ['seed', '随机种子'],
  'lab.compute': ['Compute', '计算'],
  'lab.computing': ['Computing …', '正在计算……'],
  'lab.back': ['All experiments', '全部实验'],
};

const KEY = 'evenkeel-language';
const stored = () => {
  try {
    return localStorage.getItem(KEY);
  } catch {
    return null;
  }
};
let chosen = stored() ?? (navigator.language.toLowerCase().startsWith('zh') ? 'zh' : 'en');

// `en` or `zh`.
export const language = () => chosen;

// Switches to the other language.
export const switchLanguage = () => {
  chosen = chosen === 'zh' ? 'en' : 'zh';
  try {
    localStorage.setItem(KEY, chosen);
  } catch {
    // Without storage, the choice lasts as long as the page.
  }
};

// Returns the text `name` in the reader's language.
export const t = (name, ...values) => {
  const words = WORDS[name]?.[chosen === 'zh' ? 1 : 0];
  return words === undefined ? name : words.replace(/\{(\d)\}/g, (_, place) => values[Number(place)]);
};

// Returns true if there is a text of that name.
export const has = name => name in WORDS;
